package sim

import (
	"errors"
	"io"
	"slices"

	"github.com/readsetimport/readsetimport/internal/disk"
	"github.com/readsetimport/readsetimport/journal"
)

// simulatedDisk is the disk with the journal's file on it: what is durable, and what was done since the last sync.
type simulatedDisk struct {
	durable []byte
	cached  []byte // what a reader sees
	pending []diskChange
}

// diskChange is a write, or with no data a change of the file's length.
type diskChange struct {
	at   int64
	data []byte
}

func (c diskChange) on(file []byte) []byte {
	if c.data == nil {
		if c.at <= int64(len(file)) {
			return slices.Clone(file[:c.at])
		}
		return append(slices.Clone(file), make([]byte, c.at-int64(len(file)))...)
	}
	if end := c.at + int64(len(c.data)); end > int64(len(file)) {
		file = append(slices.Clone(file), make([]byte, end-int64(len(file)))...)
	} else {
		file = slices.Clone(file)
	}
	copy(file[c.at:], c.data)
	return file
}

func (d *simulatedDisk) change(c diskChange) {
	d.pending = append(d.pending, c)
	d.cached = c.on(d.cached)
}

func (d *simulatedDisk) sync() {
	d.durable, d.pending = d.cached, nil
}

// powerCut loses some of what was not synced: all that follows a certain point, at which a write may be torn.
func (d *simulatedDisk) powerCut(random func(n int) int) {
	file := d.durable
	for i, c := range d.pending {
		if kept := random(len(d.pending) + 1 - i); kept > 0 {
			file = c.on(file)
			continue
		}
		if len(c.data) > 0 {
			part := slices.Clone(c.data[:random(len(c.data)+1)])
			if random(2) == 0 { // the file grew before its data came
				part = append(part, make([]byte, len(c.data)-len(part))...)
			}
			if len(part) > 0 {
				file = diskChange{c.at, part}.on(file)
			}
		}
		break
	}
	d.durable, d.cached, d.pending = file, file, nil
}

var (
	errDisk    = errors.New("input/output error")
	errCrashed = errors.New("the process is gone")
)

// simulatedFile is the journal's file as one process has it open.
type simulatedFile struct {
	disk *simulatedDisk
	p    *process
}

func (f *simulatedFile) ReadAt(b []byte, at int64) (int, error) {
	if at >= int64(len(f.disk.cached)) {
		return 0, io.EOF
	}
	n := copy(b, f.disk.cached[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *simulatedFile) WriteAt(b []byte, at int64) (int, error) {
	switch cut := f.p.world.roll("cut", f.p.number, len(f.disk.cached)); {
	case f.p.dead():
		return 0, errCrashed
	case f.p.at("append torn", f.p.appending.phase, f.p.appending.key):
		f.disk.change(diskChange{at, slices.Clone(b[:cut%uint64(len(b))])})
		f.p.crash()
		return 0, errCrashed
	case f.p.diskFails("write"):
		f.disk.change(diskChange{at, slices.Clone(b[:cut%uint64(len(b))])})
		return 0, errDisk
	}
	f.disk.change(diskChange{at, slices.Clone(b)})
	return len(b), nil
}

func (f *simulatedFile) Sync() error {
	switch {
	case f.p.dead():
		return errCrashed
	case f.p.at("append unsynced", f.p.appending.phase, f.p.appending.key):
		f.p.crash()
		return errCrashed
	case f.p.diskFails("sync"):
		return errDisk
	}
	f.disk.sync()
	return nil
}

func (f *simulatedFile) Truncate(size int64) error {
	if f.p.dead() {
		return errCrashed
	}
	f.disk.change(diskChange{at: size})
	if f.p.appending.phase == "" && f.p.at("open truncated", phaseOpening, "") {
		f.p.crash()
		return errCrashed
	}
	return nil
}

func (f *simulatedFile) Close() error { return nil }

// openOn opens the journal in a file of the simulated disk.
func openOn(file *simulatedFile) (*journal.File, error) {
	real := disk.Open
	defer func() { disk.Open = real }()
	disk.Open = func(string) (disk.File, int64, error) { return file, int64(len(file.disk.cached)), nil }
	return journal.Open("simulated")
}
