package wire

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// ParseEvent reads the EventBridge event of a job's change of status, and returns which job it names. It does not check
// the ids.
func ParseEvent(data []byte) (storeID, jobID string, status types.ReadSetImportJobStatus, err error) {
	const (
		source     = "aws.omics"
		detailType = "Read Set Import Job Status Change"
	)
	var event struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
		Detail     struct {
			SequenceStoreID string                       `json:"sequenceStoreId"`
			ID              string                       `json:"id"`
			Status          types.ReadSetImportJobStatus `json:"status"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return "", "", "", fmt.Errorf("event is not JSON of the expected form: %w", err)
	}
	if event.Source != source || event.DetailType != detailType {
		return "", "", "", fmt.Errorf("event is %.100q from %.100q, not %q from %q", event.DetailType, event.Source, detailType, source)
	}
	return event.Detail.SequenceStoreID, event.Detail.ID, event.Detail.Status, nil
}
