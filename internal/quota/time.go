package quota

import (
	"context"
	"time"
)

// Elapsed returns the time since t, by the clock on the wall or by the machine's running time, whichever is more: a laptop
// that slept has lost the second, and a clock that was set back the first.
func Elapsed(t time.Time) time.Duration {
	return max(time.Since(t), time.Since(t.Round(0)))
}

// Ended returns the cause of the context's end, or nil while it lasts.
func Ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// Sleep waits for d, or until the context ends and then returns its cause.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := Ended(ctx); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
