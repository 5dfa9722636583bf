package manifest

import (
	"bufio"
	"errors"
	"slices"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// json reads an API manifest, a list of sources, or sources one after the other.
func (rd *reader) json(in *bufio.Reader) error {
	j := &jsonReader{object: object{reader: rd}, lexer: newLexer(in)}
	err := j.document()
	var s *syntaxError
	if errors.As(err, &s) {
		rd.fault(place{line: s.at.line, column: s.at.column}, fault{rule: readsetimport.RulePattern, detail: s.detail})
		return nil
	}
	if err == errStopped {
		return nil
	}
	return err
}

// errStopped ends the reading without a fault of its own: the caller broke off, or there are faults enough.
var errStopped = errors.New("stopped")

type jsonReader struct {
	object
	*lexer
	from int64 // where the source began
}

func (j *jsonReader) document() error {
	if err := j.advance(); err != nil {
		return err
	}
	if j.kind == '[' {
		if err := j.list(); err != nil {
			return err
		}
		return j.onlyOne()
	}
	for j.kind != tokenEnd {
		line := j.lexer.at.line
		manifest, err := j.topObject()
		if manifest && err == nil {
			return j.onlyOne()
		}
		next := false
		if err != nil {
			if next, err = j.nextLine(err, line, manifest); err != nil {
				return err
			}
		}
		if !next {
			if err := j.advance(); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextLine goes on after a bad line of JSON Lines. It reports whether the next line's brace has been read already. When
// it cannot go on, it returns the error.
func (j *jsonReader) nextLine(err error, line int, manifest bool) (bool, error) {
	var s *syntaxError
	if manifest || !errors.As(err, &s) {
		return false, err
	}
	next := j.kind == '{' && j.lexer.at == s.at && s.at.line > line && s.at.column == 1
	atEnd := s.at.line == line && j.lexer.next == spot{line + 1, 1}
	if !next && !atEnd && (s.at.line != line || j.lexer.next.line != line) {
		return false, err
	}
	j.bad(s.at, "", readsetimport.RulePattern, s.detail)
	if j.stopped() {
		return false, errStopped
	}
	if next || atEnd {
		return next, nil
	}
	return false, j.skipLine()
}

// onlyOne checks that nothing follows a manifest.
func (j *jsonReader) onlyOne() error {
	if err := j.advance(); err != nil {
		return err
	}
	if j.kind != tokenEnd {
		return j.lexer.fail("must be the end: one manifest is all that an input has")
	}
	return nil
}

// topObject reads an object that is an API manifest, or else a source.
func (j *jsonReader) topObject() (manifest bool, err error) {
	if j.kind != '{' {
		return false, j.lexer.fail("must be an object in braces")
	}
	begin := j.lexer.at
	j.begins(begin)
	var t target
	first := true
	err = j.pairs(func(key string, at spot) error {
		if first {
			first = false
			manifest = slices.Contains(manifestKeys, key) || slices.Contains(jobKeys, key)
		}
		if manifest {
			return j.manifestKey(&t, key, at)
		}
		return j.sourceKey(key, at)
	})
	switch {
	case err != nil:
		return manifest, err
	case manifest:
		t.check(&j.object, begin)
	case !j.end():
		return false, errStopped
	}
	return manifest, nil
}

// pairs reads an object from its brace on. The function is called at each value, which it takes.
func (j *jsonReader) pairs(value func(key string, at spot) error) error {
	for {
		if err := j.advance(); err != nil {
			return err
		}
		if j.kind == '}' {
			return nil
		}
		if j.kind != tokenString {
			return j.lexer.fail("must be a key in double quotes, or the closing brace")
		}
		key, at := j.text, j.lexer.at
		if err := j.expect(':', "must be a colon, after the key"); err != nil {
			return err
		}
		if err := j.advance(); err != nil {
			return err
		}
		if j.kind == tokenEnd || strings.IndexByte("}],:", j.kind) >= 0 {
			return j.lexer.fail("must be a value, after the colon")
		}
		if err := value(key, at); err != nil {
			return err
		}
		if err := j.advance(); err != nil {
			return err
		}
		switch j.kind {
		case '}':
			return nil
		case ',':
		default:
			return j.lexer.fail("must be a comma or the closing brace, after the value")
		}
	}
}

func (j *jsonReader) expect(kind byte, detail string) error {
	if err := j.advance(); err != nil {
		return err
	}
	if j.kind != kind {
		return j.lexer.fail(detail)
	}
	return nil
}

// list reads a list of sources from its bracket on.
func (j *jsonReader) list() error {
	for {
		if err := j.advance(); err != nil {
			return err
		}
		switch j.kind {
		case ']':
			return nil
		case '{':
			j.begins(j.lexer.at)
			if err := j.pairs(j.sourceKey); err != nil {
				return err
			}
			j.end()
		default:
			j.bad(j.lexer.at, "", readsetimport.RulePattern, "must be a source: an object in braces")
			if err := j.skip(); err != nil {
				return err
			}
		}
		if j.stopped() {
			return errStopped
		}
		if err := j.advance(); err != nil {
			return err
		}
		switch j.kind {
		case ']':
			return nil
		case ',':
		default:
			return j.lexer.fail("must be a comma or the closing bracket, after the source")
		}
	}
}

func (j *jsonReader) begins(at spot) {
	j.start(at)
	j.from = j.offset
}

func (j *jsonReader) manifestKey(t *target, key string, at spot) error {
	switch key {
	case "sequenceStoreId":
		return j.targetValue(&t.values.SequenceStoreID, &t.at[0], key)
	case "roleArn":
		return j.targetValue(&t.values.RoleARN, &t.at[1], key)
	case "clientToken":
		return j.skip()
	case "sources":
		if t.list {
			j.bad(at, key, readsetimport.RuleDuplicate, "must be there once")
		}
		t.list = true
		if j.kind != '[' {
			return j.lexer.fail("must be a list in brackets")
		}
		return j.list()
	}
	j.unknown(key, at, "a manifest", manifestKeys)
	if slices.Contains(jobKeys, key) || j.stopped() {
		return errStopped
	}
	return j.skip()
}

func (j *jsonReader) targetValue(value *string, at *spot, key string) error {
	if *at != (spot{}) {
		j.bad(j.lexer.at, key, readsetimport.RuleDuplicate, "must be there once")
	}
	begin := j.lexer.at
	text, ok, err := j.stringValue(key)
	if ok {
		*value, *at = text, begin
	}
	return err
}

// sourceKey reads the value of one key of a source.
func (j *jsonReader) sourceKey(key string, at spot) error {
	if j.offset-j.from > maxRow {
		return &syntaxError{j.begin, "must be a source of at most 1 MiB"}
	}
	if j.more {
		return errStopped
	}
	switch key {
	case "sourceFiles":
		if j.kind == '{' {
			return j.pairs(j.fileKey)
		}
	case "tags":
		if j.kind == '{' {
			if j.values[fieldTags] != (spot{}) {
				j.bad(at, key, readsetimport.RuleDuplicate, "must be there once")
			}
			j.values[fieldTags] = at
			return j.pairs(j.tagKey)
		}
		if j.kind == tokenNull {
			return nil
		}
	default:
		if !slices.Contains(sourceKeys, key) {
			j.unknown(key, at, "a source", sourceKeys)
			return j.skip()
		}
		return j.fieldValue(sourceField(key), key)
	}
	j.bad(j.lexer.at, key, readsetimport.RulePattern, "must be an object in braces")
	return j.skip()
}

func (j *jsonReader) fileKey(key string, at spot) error {
	if !slices.Contains(fileKeys, key) {
		j.unknown(key, at, "sourceFiles", fileKeys)
		return j.skip()
	}
	return j.fieldValue(sourceField("sourceFiles."+key), "sourceFiles."+key)
}

func (j *jsonReader) fieldValue(field int, name string) error {
	at := j.lexer.at
	value, ok, err := j.stringValue(name)
	if ok {
		j.set(field, value, at)
	}
	return err
}

func (j *jsonReader) tagKey(key string, at spot) error {
	if j.offset-j.from > maxRow {
		return &syntaxError{j.begin, "must be a source of at most 1 MiB"}
	}
	value, ok, err := j.stringValue("tags")
	if ok {
		j.tag(key, value, at)
	}
	return err
}

// stringValue takes a string. It is not ok for null, which is as if the key were not there, and for other values, which
// are faults.
func (j *jsonReader) stringValue(field string) (string, bool, error) {
	switch j.kind {
	case tokenString:
		return j.text, true, nil
	case tokenNull:
		return "", false, nil
	}
	j.bad(j.lexer.at, field, readsetimport.RulePattern, "must be a string in double quotes")
	return "", false, j.skip()
}
