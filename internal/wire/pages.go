package wire

import "iter"

// Pages returns the items of a list that comes in pages. page asks for one by its token, and returns the token of the next or
// "". The iterator's error comes once, and last; it is wrong(ErrNotCredible) if a token repeats.
func Pages[T any](page func(token string) ([]T, string, error), wrong func(error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		asked := make(map[string]bool)
		for token := ""; ; {
			items, next, err := page(token)
			if err == nil && asked[next] {
				err = wrong(errRepeats)
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			asked[next], token = true, next
		}
	}
}
