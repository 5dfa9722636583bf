// Command modproxy packs the module in a folder into a module proxy of files, as a release would publish it: without
// the modules nested in it. A GOPROXY of file:// and the proxy's folder serves it.
//
//	modproxy MODULE_FOLDER PROXY_FOLDER VERSION
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: modproxy MODULE_FOLDER PROXY_FOLDER VERSION")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "modproxy:", err)
		os.Exit(1)
	}
}

// pack writes the four files that a module proxy serves for a version.
func pack(folder, proxy, version string) error {
	mod, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		return err
	}
	escaped, err := module.EscapePath(modfile.ModulePath(mod))
	if err != nil {
		return err
	}
	at := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{version, time.Now().UTC()})
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"list": []byte(version + "\n"), version + ".mod": mod, version + ".info": info} {
		if err := os.WriteFile(filepath.Join(at, name), text, 0o644); err != nil {
			return err
		}
	}
	packed, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	err = zip.CreateFromDir(packed, module.Version{Path: modfile.ModulePath(mod), Version: version}, folder)
	if closed := packed.Close(); err == nil {
		err = closed
	}
	return err
}
