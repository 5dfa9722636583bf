package s3files

import "slices"

// Severity says what a problem means for the import: leave out sources with errors, and look at warnings.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // the import of the source would fail, or bring in something else than meant, or the file could not be checked
	SeverityWarning Severity = "warning" // the import may fail, or the data is odd
)

// Code names what was found, so that a program can tell problems apart without reading text.
type Code string

// Problems of an object, whatever is in it.
const (
	CodeURI          Code = "uri"           // error: the source's URI is not s3://bucket/key
	CodeNoObject     Code = "no-object"     // error: there is no such object
	CodeNoBucket     Code = "no-bucket"     // error: there is no such bucket
	CodeAccessDenied Code = "access-denied" // error: the caller may not read it; without s3:ListBucket it may also be missing
	CodeRegion       Code = "region"        // error: the bucket is in another Region than the store, or than the client
	CodeEmpty        Code = "empty"         // error: it has no bytes, or a FASTQ file no reads
	CodeTooLarge     Code = "too-large"     // error: it has more than 976 GB
	CodeArchived     Code = "archived"      // error: it is in an archive and must be restored first
	CodeRestored     Code = "restored"      // warning: it was restored from an archive, until the time in Detail
	CodeCustomerKey  Code = "customer-key"  // error: it seems to be encrypted with a key that each request must bring (SSE-C)
	CodeKMSKey       Code = "kms-key"       // warning: it is encrypted with a KMS key, so the role needs kms:Decrypt
	CodeChanged      Code = "changed"       // warning: it has changed since it was listed; error: while it was checked, so nobody knows
	CodeUnchecked    Code = "unchecked"     // error: S3 did not answer as it should, so it was not checked; warning: not in full
)

// Problems of what is in a file.
const (
	CodeWrongType Code = "wrong-type" // error: it is a file of another type than the source says
	CodeNotGzip   Code = "not-gzip"   // error: a FASTQ file is not compressed with gzip
	CodeNotFASTQ  Code = "not-fastq"  // error: what was compressed is not FASTQ of four lines for each read
	CodeNotBAM    Code = "not-bam"    // error: a BAM file has no BAM magic
	CodeNotCRAM   Code = "not-cram"   // error: a CRAM file has no CRAM magic
	CodeDamaged   Code = "damaged"    // error: compressed data, checksums or lengths contradict each other; warning: something after the end of a FASTQ file's gzip data
	CodeTruncated Code = "truncated"  // error: it ends before its end marker, so it is cut off; of FASTQ, only where 64 KiB are all of it. For FASTQ in BGZF, a warning

	CodeByteOrderMark Code = "byte-order-mark" // error: FASTQ that begins with a byte order mark
	CodeCRLF          Code = "crlf"            // error: FASTQ with CRLF line ends
	CodeMateNames     Code = "mate-names"      // error: the first reads of two mates have different names, are the same mate, or are in the wrong order; warning: a second mate alone
	CodeSameMates     Code = "same-mates"      // error: both mates are the same object or have the same content

	CodeHeader        Code = "header"         // error: a BAM or CRAM file has no readable header; warning: a line of it is malformed
	CodeCRAMVersion   Code = "cram-version"   // error: CRAM of an unknown version; warning: not version 3.0
	CodeUnaligned     Code = "unaligned"      // warning: BAM or CRAM without reference sequences
	CodeAligned       Code = "aligned"        // warning: unaligned BAM with reference sequences
	CodeUnsorted      Code = "unsorted"       // warning: aligned reads that are not sorted by coordinate
	CodeNoM5          Code = "no-m5"          // warning: reference sequences without M5 in a CRAM file
	CodeSampleDiffers Code = "sample-differs" // warning: the header's sample (SM) is not the source's
	CodeManySamples   Code = "many-samples"   // warning: the header has more than one sample
)

// Problem is one thing that was found in a check. Decide by its Severity and its Code, and print it for a person.
type Problem struct {
	Severity Severity
	Code     Code
	File     string // the URI, as the source has it
	Detail   string // what is wrong and what to do, in one line without ids of samples or subjects
}

// String returns the problem in one line for a person: severity, code, file, and what to do.
func (p Problem) String() string {
	return string(p.Severity) + " " + string(p.Code) + " " + oneLine(p.File) + ": " + p.Detail
}

// What to do about problems that are found in more than one place.
const (
	adviceNoBucket  = "there is no such bucket: correct the URI"
	adviceNoObject  = "there is no such object: upload it, or correct the URI"
	adviceChanged   = "it changed while it was checked: check again when nobody writes it"
	adviceArchived  = "it is archived: restore it, and wait until it is restored"
	adviceTruncated = "it ends before its end marker, so it is cut off: upload it again"
	adviceSAM       = "it is SAM text: convert it to BAM or CRAM"
	adviceDamaged   = "its compressed data is damaged: upload it again"
)

// problems collects what is found in one file.
type problems struct {
	file  string
	found []Problem
}

func (p *problems) has(code Code) bool {
	return slices.ContainsFunc(p.found, func(f Problem) bool { return f.Code == code })
}

func (p *problems) error(code Code, detail string) {
	p.found = append(p.found, Problem{SeverityError, code, p.file, detail})
}

func (p *problems) warning(code Code, detail string) {
	p.found = append(p.found, Problem{SeverityWarning, code, p.file, detail})
}
