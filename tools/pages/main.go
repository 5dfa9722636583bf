// Command pages checks the code blocks of Markdown pages.
//
//	pages code FOLDER PAGE...
//	pages run FOLDER PAGE...
//
// code writes each Go block into a package of its own beneath FOLDER, for the compiler: a block is a whole file, so that a
// reader can copy it. It also makes sure that JSON blocks are JSON.
//
// run runs the blocks of a page in their order, each in a shell of its own in FOLDER: sh blocks with bash, python blocks
// with python3. Words after the language, which nobody who reads the page sees, say more:
//
//	background    it is a server, and listens on the last address 127.0.0.1:80… in it: it runs until the end of the page
//	exit=1        how it ends
//	needs=aws     it is skipped where this command is missing; needs=boto3: or this Python module
//	skip=reason   it is not run
//
// A "text stdout" block after one of these is what that block writes to its standard output, in full. A line that ends
// with … there may go on with anything.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 4 || os.Args[1] != "code" && os.Args[1] != "run" {
		fmt.Fprintln(os.Stderr, "usage: pages code|run FOLDER PAGE...")
		os.Exit(2)
	}
	do := writeCode
	if os.Args[1] == "run" {
		do = runPage
	}
	for _, page := range os.Args[3:] {
		blocks, err := read(page)
		if err == nil {
			err = do(os.Args[2], blocks)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "pages:", err)
			os.Exit(1)
		}
	}
}
