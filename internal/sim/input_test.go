package sim

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/readsetimport/readsetimport"
)

// inputPlan is how the input of a stream behaves. All of them watch the context while they wait.
type inputPlan struct {
	pauses  float64       // portion of the rows before which it waits
	longest time.Duration // that it waits
	silent  bool          // it just returns when the context ends; or its last word is the context's error
	breaks  float64       // portion of the rows after which it ends with an error of its own; 0: it does not
	invalid float64       // portion of the rows before which there is one that is not valid
}

func newInputPlan(random *rand.Rand) inputPlan {
	i := inputPlan{silent: random.IntN(2) == 0, longest: pick(random, time.Second, time.Minute, 3*time.Hour)}
	if random.IntN(2) == 0 {
		i.pauses = pick(random, 0.05, 0.3, 1)
	}
	if random.IntN(5) == 0 {
		i.breaks = random.Float64()
	}
	if random.IntN(4) == 0 {
		i.invalid = 0.2
	}
	return i
}

var errInput = errors.New("line 7 cannot be read")

// input is the input of one stream, and what became of it.
type input struct {
	p     *process
	name  string
	sheet []readsetimport.Source
	plan  inputPlan

	read     []readsetimport.Source // by the import
	complete bool                   // all of the sheet was read while the context lasted, and there was no error at the end
}

// newInput makes the input of an import of this process.
func (p *process) newInput(name string, sheet []readsetimport.Source) *input {
	in := &input{p: p, name: name, sheet: sheet, plan: p.run.input}
	if p.calm {
		in.plan = inputPlan{}
		return in
	}
	w := p.world
	if in.plan.pauses > 0 && !w.happens(fmt.Sprintf("run %d: the input of %s pauses", p.number, name)) {
		in.plan.pauses = 0
	}
	if in.plan.breaks > 0 && !w.happens(fmt.Sprintf("run %d: the input of %s ends with an error", p.number, name)) {
		in.plan.breaks = 0
	}
	if in.plan.invalid > 0 && !w.happens(fmt.Sprintf("run %d: the input of %s has invalid rows", p.number, name)) {
		in.plan.invalid = 0
	}
	return in
}

func (in *input) rows() iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		p, w := in.p, in.p.world
		give := func(s readsetimport.Source) bool {
			in.read = append(in.read, s)
			return yield(s, nil)
		}
		for i, s := range in.sheet {
			if in.plan.breaks > 0 && float64(i) >= in.plan.breaks*float64(len(in.sheet)) {
				w.log("run %d: the input of %s breaks", p.number, in.name)
				yield(readsetimport.Source{}, errInput)
				return
			}
			if w.portion("input pauses", p.number, in.name, i) < in.plan.pauses {
				p.sleep(time.Duration(w.roll("input pause", p.number, in.name, i) % uint64(in.plan.longest)))
			}
			if in.plan.pauses > 0 && p.ctx.Err() != nil {
				w.log("run %d: the input of %s ends with the context", p.number, in.name)
				if !in.plan.silent {
					yield(readsetimport.Source{}, p.ctx.Err())
				}
				return
			}
			if w.portion("invalid", p.number, in.name, i) < in.plan.invalid {
				bad := s.WithSample("no\nline")
				if i > 0 && w.roll("how invalid", i)%2 == 0 {
					bad = in.sheet[i-1] // a second time
				}
				if !give(bad) {
					return
				}
			}
			if !give(s) {
				return
			}
		}
		in.complete = p.ctx.Err() == nil
	}
}

// invalid reports whether the n-th source that was read is not valid.
func (in *input) invalid(n int) bool {
	for _, s := range in.read[:n] {
		if s.Source1 == in.read[n].Source1 && s.SampleID == in.read[n].SampleID {
			return true
		}
	}
	return in.read[n].SampleID == "no\nline"
}
