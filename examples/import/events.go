package main

import (
	"time"

	"github.com/readsetimport/readsetimport"
)

// eventLine is a line of -events and -progress=json. It has no ids of samples and subjects, no names and no files: a
// source is known by its index, which the results have too.
type eventLine struct {
	Time         time.Time `json:"time"`
	Event        string    `json:"event"`
	Run          string    `json:"run"`
	Store        string    `json:"store,omitempty"`
	Job          string    `json:"job,omitempty"`
	Status       string    `json:"status,omitempty"`
	Index        *int      `json:"index,omitempty"`
	SourceStatus string    `json:"sourceStatus,omitempty"`
	ReadSet      string    `json:"readSet,omitempty"`
	Error        string    `json:"error,omitempty"`
	Wait         float64   `json:"waitSeconds,omitempty"`
	Submitted    int       `json:"submitted"`
	Running      int       `json:"running"`
	Imported     int       `json:"imported"`
	Failed       int       `json:"failed"`
}

func newEventLine(e readsetimport.Event) eventLine {
	line := eventLine{
		Time: e.Time.UTC(), Event: string(e.Kind), Run: e.RunID, Store: e.Job.SequenceStoreID, Job: e.Job.ID, Status: string(e.Job.Status),
		Wait: e.Wait.Seconds(), Submitted: e.Submitted, Running: e.Running, Imported: e.Imported, Failed: e.Failed,
	}
	if e.Err != nil {
		line.Error = e.Err.Error()
	}
	if r := e.Result; r != nil {
		line.Index, line.SourceStatus, line.ReadSet = &r.Index, string(r.Status), r.ReadSetID
		line.Error = endingOf(*r).reason
	}
	return line
}
