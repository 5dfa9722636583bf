// Package beside has the endings of files that lie beside reads and are none.
package beside

// The endings, in lower case.
var (
	Index    = []string{".bai", ".crai", ".csi", ".tbi", ".pbi", ".gzi", ".fai"}
	Checksum = []string{".md5", ".md5sum", ".sha1", ".sha1sum", ".sha256", ".sha256sum", ".sha512", ".sha512sum", ".crc32", ".crc32c"}
	Report   = []string{
		".html", ".htm", ".json", ".txt", ".csv", ".tsv", ".xml", ".yaml", ".yml", ".pdf", ".png", ".svg", ".log", ".md",
		"_fastqc.zip", ".flagstat", ".idxstats", ".stats", ".metrics", ".xls", ".xlsx",
	}
)
