package manifest

import (
	"bufio"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// Lines of aws s3 ls: of an object, with its key at the end; of a folder, where --recursive was left out; and the sums of
// --summarize.
var (
	lsObject = regexp.MustCompile(`^\s*\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} +\d[\d.]*(?: Bytes| [KMGTPE]iB)? (.*)$`)
	lsFolder = regexp.MustCompile(`^\s+PRE .*/\s*$`)
	lsSum    = regexp.MustCompile(`^\s*Total (?:Objects|Size): `)
)

var uriScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// isListing reports whether a line is one of aws s3 ls.
func isListing(line string) bool { return lsObject.MatchString(line) || lsFolder.MatchString(line) }

// isURI reports whether a line is the URI or the path of a file, and not a row of a table that holds one.
func isURI(line string) bool {
	if strings.ContainsAny(line, "\t,;") {
		return strings.Count(line, "://") == 1 && strings.HasPrefix(line, "s3://") && typeByName(line) != ""
	}
	return uriScheme.MatchString(line) || typeByName(line) != ""
}

func (rd *reader) uris(in *bufio.Reader) error    { return rd.list(in, false) }
func (rd *reader) listing(in *bufio.Reader) error { return rd.list(in, true) }

// list reads a list of files: one URI a line, or the output of aws s3 ls.
func (rd *reader) list(in *bufio.Reader, listing bool) error {
	l, err := newLister(rd, true)
	if err != nil {
		return err
	}
	lines := lineReader{in: in}
	return l.end(rd.repeat(func() error {
		line, err := lines.readText()
		if err != nil {
			return err
		}
		return l.line(string(line), lines.line, listing)
	}))
}

// line takes a line of a list.
func (l *lister) line(text string, number int, listing bool) error {
	uri := strings.TrimSpace(text)
	if uri == "" || uri[0] == '#' {
		return nil
	}
	at, detail := place{line: number, column: strings.Index(text, uri) + 1}, ""
	var object []int
	if listing {
		object = lsObject.FindStringSubmatchIndex(text)
	}
	switch {
	case object != nil:
		at.column = object[2] + 1
		return l.addKey(l.o.Bucket, text[object[2]:], at)
	case listing && lsSum.MatchString(text):
		return nil
	case listing:
		detail = "must be a line of aws s3 ls --recursive: date, time, size and key"
	case !strings.Contains(uri, "://") && l.o.RewriteURI == nil:
		detail = "must be a file's URI, s3://bucket/key, or Options.RewriteURI must make it one"
	case strings.HasSuffix(uri, "/"):
		detail = "must be a file, not a folder: aws s3 ls --recursive lists the files of one"
	default:
		return l.add(listedFile{uri, at})
	}
	l.fault(at, fault{rule: readsetimport.RulePattern, value: uri, detail: detail})
	return nil
}

var errNoBucket = errors.New("Options.Bucket must name the bucket, which the list does not")

// addKey takes a file by its key.
func (l *lister) addKey(bucket, key string, at place) error {
	switch {
	case bucket != "":
		key = "s3://" + bucket + "/" + key
	case l.o.RewriteURI == nil:
		return errNoBucket
	}
	return l.add(listedFile{key, at})
}

// inventory says which columns of an S3 Inventory mean what, by their places. They are negative where there are none.
type inventory struct {
	columns                           int
	bucket, key, latest, deleteMarker int
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// inventory returns the columns of an inventory, or nil if a first row is not that of the inventory that the options
// describe. An inventory has no header.
func (o *Options) inventory(row []string) (*inventory, error) {
	if o.Inventory == "" {
		return nil, nil
	}
	names := strings.Split(o.Inventory, ",")
	for i, name := range names {
		names[i] = fold(name)
	}
	find := func(name string) int { return slices.Index(names, name) }
	v := &inventory{len(names), find("bucket"), find("key"), find("islatest"), find("isdeletemarker")}
	switch {
	case v.key < 0:
		return nil, errors.New("Options.Inventory must have the column Key, as the fileSchema in the inventory's manifest.json has")
	case v.bucket < 0 && o.Bucket == "":
		return nil, errNoBucket
	case len(row) != len(names), v.bucket >= 0 && !bucketName.MatchString(row[v.bucket]):
		return nil, nil
	}
	return v, nil
}

// inventory reads the rows of an inventory, the first of which has been read. The error is that of the options.
func (t *tableReader) inventory(v *inventory, err error) error {
	if err != nil {
		return err
	}
	l, err := newLister(t.reader, true)
	if err == nil {
		err = l.inventoryRow(v, &t.rows)
	}
	if err != nil {
		return err
	}
	return l.end(t.repeat(func() error {
		if err := t.rows.next(); err != nil {
			return err
		}
		return l.inventoryRow(v, &t.rows)
	}))
}

// inventoryRow takes a row of an inventory.
func (l *lister) inventoryRow(v *inventory, rows *rowReader) error {
	row := rows.fields
	if len(row) != v.columns {
		l.fault(place{line: rows.first, column: 1}, fault{
			rule:   readsetimport.RuleLength,
			detail: "must have " + strconv.Itoa(v.columns) + " fields, as Options.Inventory has columns, not " + strconv.Itoa(len(row)),
		})
		return nil
	}
	at := rows.at(v.key)
	where := place{at.line, at.column, "Key"}
	key, err := url.QueryUnescape(row[v.key])
	if err != nil {
		l.fault(where, fault{rule: readsetimport.RulePattern, value: row[v.key], detail: "must be a key in URL encoding", err: err})
		return nil
	}
	bucket := l.o.Bucket
	if v.bucket >= 0 {
		bucket = row[v.bucket]
	}
	if v.latest >= 0 && strings.EqualFold(row[v.latest], "false") || v.deleteMarker >= 0 && strings.EqualFold(row[v.deleteMarker], "true") {
		l.skip("s3://"+bucket+"/"+key, SkipOldVersion)
		return nil
	}
	return l.addKey(bucket, key, where)
}
