package omicstest

// The answers about read sets and stores. Their field names and order are the service's.

type readSetJSON struct {
	ID                  string                  `json:"id"`
	ARN                 string                  `json:"arn"`
	SequenceStoreID     string                  `json:"sequenceStoreId"`
	SubjectID           string                  `json:"subjectId,omitempty"`
	SampleID            string                  `json:"sampleId,omitempty"`
	Status              string                  `json:"status"`
	Name                string                  `json:"name,omitempty"`
	Description         string                  `json:"description,omitempty"`
	ReferenceARN        string                  `json:"referenceArn,omitempty"`
	FileType            string                  `json:"fileType"`
	SequenceInformation sequenceInformationJSON `json:"sequenceInformation"`
	CreationTime        string                  `json:"creationTime"`
	StatusMessage       string                  `json:"statusMessage,omitempty"`
	CreationType        string                  `json:"creationType"`
	ETag                *etagJSON               `json:"etag,omitempty"`

	// Only in the answer to GetReadSetMetadata.
	CreationJobID string           `json:"creationJobId,omitempty"`
	Files         *storedFilesJSON `json:"files,omitempty"`
}

type sequenceInformationJSON struct {
	TotalReadCount int64  `json:"totalReadCount,omitempty"`
	TotalBaseCount int64  `json:"totalBaseCount,omitempty"`
	GeneratedFrom  string `json:"generatedFrom,omitempty"`
	Alignment      string `json:"alignment"`
}

type etagJSON struct {
	Algorithm string `json:"algorithm"`
	Source1   string `json:"source1"`
	Source2   string `json:"source2,omitempty"`
}

type storedFilesJSON struct {
	Source1 *fileJSON `json:"source1"`
	Source2 *fileJSON `json:"source2,omitempty"`
}

type fileJSON struct {
	TotalParts    int64 `json:"totalParts"`
	PartSize      int64 `json:"partSize"`
	ContentLength int64 `json:"contentLength"`
}

type readSetListJSON struct {
	ReadSets  []readSetJSON `json:"readSets"`
	NextToken string        `json:"nextToken,omitempty"`
}

type storeJSON struct {
	ID                  string `json:"id"`
	ARN                 string `json:"arn"`
	CreationTime        string `json:"creationTime"`
	ETagAlgorithmFamily string `json:"eTagAlgorithmFamily"`
	Status              string `json:"status"`
}
