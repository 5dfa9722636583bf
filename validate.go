package readsetimport

import (
	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/rules"
)

// Rule names the constraint that a field breaks, so that a program can tell faults apart without reading text.
type Rule string

// The rules.
const (
	RuleRequired    Rule = rules.Required    // must be there and is not
	RuleLength      Rule = rules.Length      // too short or too long
	RulePattern     Rule = rules.Pattern     // has characters or a form that the field does not take
	RuleEnum        Rule = rules.Enum        // not one of the known values
	RuleCombination Rule = rules.Combination // does not go with another field of the source
	RuleReserved    Rule = rules.Reserved    // a name that AWS keeps for itself
	RuleDuplicate   Rule = rules.Duplicate   // stands elsewhere in the same import
)

var allRules = []Rule{RuleRequired, RuleLength, RulePattern, RuleEnum, RuleCombination, RuleReserved, RuleDuplicate}

// FieldError is one fault of one field. Decide by Path and Rule, and show Error to whoever can correct the input.
type FieldError struct {
	// Path of the field, in the service's own names: sources[3].tags["aws:x"].
	Path string
	// Rule that it breaks.
	Rule Rule
	// Value that was there, cut to a readable length. Error leaves it out, because subject and sample ids can identify
	// a person.
	Value string
	// Detail says what is allowed.
	Detail string
}

// Error returns the path and what is allowed there, without the value, so that it can be logged.
func (e *FieldError) Error() string { return e.Path + ": " + e.Detail }

// Is reports whether target is [ErrValidation], so that errors.Is finds it in whatever wraps the fault.
func (e *FieldError) Is(target error) bool { return target == ErrValidation }

// ValidationError is every fault that was found, in the order of the input. It is [ErrValidation]. A call that returns it has
// sent nothing; in a [Result], it is that source which was not sent.
type ValidationError struct{ Fields []*FieldError }

// Error returns the first few faults and how many there are, in one line.
func (e *ValidationError) Error() string { return listFaults(e.Fields, (*FieldError).Error) }

func listFaults(faults []*FieldError, text func(*FieldError) string) string {
	return logtext.List(len(faults), func(i int) string { return text(faults[i]) })
}

// Unwrap returns every fault, so that errors.As finds the first [*FieldError]. Range over Fields for all of them.
func (e *ValidationError) Unwrap() []error {
	errs := make([]error, len(e.Fields))
	for i, f := range e.Fields {
		errs[i] = f
	}
	return errs
}

// Is reports whether target is [ErrValidation]. An [*Error] with status 400 is that, too: errors.As tells them apart.
func (e *ValidationError) Is(target error) bool { return target == ErrValidation }

// Validate checks the source against the constraints of HealthOmics, and reports every fault in a [*ValidationError].
// Paths are the field's own: sampleId, sourceFiles.source1.
func (s Source) Validate() error {
	var c checker
	c.source(rules.NoIndex, &s)
	return c.err()
}

// ValidateSources checks a whole import: every source on its own, and that no file is in it twice. It reports every
// fault of every source in a [*ValidationError], with paths like sources[3].sampleId. No sources at all is a fault too.
func ValidateSources(sources []Source) error {
	var c checker
	c.sources(sources)
	return c.err()
}

// checker collects faults.
type checker struct{ rules.Checker }

func (c *checker) err() error {
	if len(c.Findings) == 0 {
		return nil
	}
	e := &ValidationError{Fields: make([]*FieldError, len(c.Findings))}
	for i, f := range c.Findings {
		e.Fields[i] = &FieldError{Path: f.Path, Rule: Rule(f.Rule), Value: f.Value, Detail: f.Detail}
	}
	return e
}

func (c *checker) target(t Target) {
	c.Check(rules.Field("sequenceStoreId"), t.SequenceStoreID, rules.ID(t.SequenceStoreID))
	c.Check(rules.Field("roleArn"), t.RoleARN, rules.RoleARN(t.RoleARN))
}

func (c *checker) source(index int, s *Source) { c.Source(index, (*rules.Source)(s)) }

func (c *checker) sources(sources []Source) {
	c.Sources(len(sources), func(i int) *rules.Source { return (*rules.Source)(&sources[i]) })
}
