package docs

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of every exported name, go doc has an example, or a comment that says what is not in the name already. The words are only
// counted: whether they say when to use it, and are true, is for whoever reads the change.
func TestDocComments(t *testing.T) {
	names := 0
	for _, dir := range publicPackages(t) {
		for name, said := range exported(t, dir) {
			names++
			if said.examples == 0 && len(said.words) < enoughWords {
				t.Errorf("%s: %s has no example, and its comment says no more than %q: add when to use it, or what to expect of it",
					dir, name, said.words)
			}
		}
	}
	require.Greater(t, names, 200)
}

// enoughWords is how many words a comment has, at least, besides those of the name and those that say nothing by themselves.
const enoughWords = 7

// said is what the documentation has on a name.
type said struct {
	words    []string // of the comment, that the name and every other comment do not have
	examples int
}

// publicPackages returns the folders of this module with packages that others can import.
func publicPackages(t *testing.T) (dirs []string) {
	const root = "../.."
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		_, noModule := os.Stat(filepath.Join(path, "go.mod"))
		if name := d.Name(); path != root && (noModule == nil || name == "internal" || name == "testdata" || name[0] == '.') {
			return fs.SkipDir
		}
		if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 {
			dirs = append(dirs, path)
		}
		return nil
	}))
	return dirs
}

// exported returns what is said of each exported name of the package in a folder. Constants and variables count by the group
// that they are declared in, with the type that they are of.
func exported(t *testing.T, dir string) map[string]said {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	fset := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, "example.com/"+filepath.Base(dir))
	require.NoError(t, err)
	out := make(map[string]said)
	if p.Name == "main" {
		return out
	}
	add := func(name, comment string, examples []*doc.Example) {
		out[name] = said{tellingWords(comment, name), len(examples)}
	}
	values := func(groups []*doc.Value, ofType string) {
		for _, g := range groups {
			add(strings.Join(g.Names, " "), g.Doc+" "+ofType+" "+lineComments(g.Decl), nil)
		}
	}
	functions := func(list []*doc.Func, receiver string) {
		for _, f := range list {
			add(receiver+f.Name, f.Doc, f.Examples)
		}
	}
	add("package "+p.Name, p.Doc, p.Examples)
	values(p.Consts, "")
	values(p.Vars, "")
	functions(p.Funcs, "")
	for _, typ := range p.Types {
		add(typ.Name, typ.Doc, typ.Examples)
		values(typ.Consts, typ.Doc)
		values(typ.Vars, typ.Doc)
		functions(typ.Funcs, "")
		functions(typ.Methods, typ.Name+".")
	}
	return out
}

// lineComments returns the comments on the names of a group.
func lineComments(group *ast.GenDecl) string {
	var text strings.Builder
	for _, spec := range group.Specs {
		if v, ok := spec.(*ast.ValueSpec); ok {
			text.WriteString(v.Doc.Text() + v.Comment.Text())
		}
	}
	return text.String()
}

var (
	word    = regexp.MustCompile(`[A-Za-z]{2,}|[0-9]+`)
	partOf  = regexp.MustCompile(`[A-Z]+(?:[a-z]+|$)|[a-z]+`)
	nothing = strings.Fields(`an and are as at be by for from has have if in is it its of on or returns reports that the their this
		to whether which with`)
)

// tellingWords returns the different words of a comment, without those that the name is made of.
func tellingWords(comment, name string) []string {
	var known, out []string
	for _, part := range append(word.FindAllString(name, -1), partOf.FindAllString(name, -1)...) {
		known = append(known, strings.ToLower(part))
	}
	for _, w := range word.FindAllString(comment, -1) {
		w = strings.ToLower(w)
		singular := strings.TrimSuffix(w, "s")
		if !slices.Contains(known, w) && !slices.Contains(known, singular) && !slices.Contains(nothing, w) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}
