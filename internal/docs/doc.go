// Package docs tests what the pages under docs say.
package docs
