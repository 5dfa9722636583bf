package rules

import (
	"fmt"
	"time"
)

// Duration is an option that is one, and the most that it may be.
type Duration struct {
	Option      string
	Value, Most time.Duration
}

// Durations reports the first option that is out of its range.
func Durations(options ...Duration) error {
	for _, d := range options {
		if d.Value < 0 || d.Value > d.Most {
			return fmt.Errorf("readsetimport: %s must be 0 (for the default) to %s, not %s", d.Option, d.Most, d.Value)
		}
	}
	return nil
}

// PerJob reports an error unless so many sources can be in a job.
func PerJob(n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("readsetimport: SourcesPerJob must be 1 to %d, not %d", most, n)
	}
	return nil
}
