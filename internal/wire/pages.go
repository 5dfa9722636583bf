package wire

import (
	"hash/maphash"
	"iter"
)

// Pages returns the items of a list that comes in pages. page asks for one by its token, and returns the token of the next or
// "". The iterator's error comes once, and last; it is wrong(ErrNotCredible) if a token repeats.
func Pages[T any](page func(token string) ([]T, string, error), wrong func(error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seed, asked := maphash.MakeSeed(), make(map[uint64]bool) // tokens have up to 6,000 characters, and lists many pages
		for token := ""; ; {
			items, next, err := page(token)
			hash := maphash.String(seed, next)
			if err == nil && asked[hash] {
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
			asked[hash], token = true, next
		}
	}
}
