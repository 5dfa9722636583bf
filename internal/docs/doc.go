// Package docs tests what the pages under docs say, and that the doc comments say something.
package docs
