package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// screenshotEnv is the file that TestPage writes its screenshot to, for the README.
const screenshotEnv = "SERVICE_SCREENSHOT"

// The page shows the imports while they run, without a request to load it again, and why sources failed, on a phone.
func TestPage(t *testing.T) {
	browser := openBrowser(t)
	w := newWorld(t, func(o *omicstest.Options) {
		o.MaxActiveJobs = 4
		o.JobDuration = omicstest.FixedDuration(2500 * time.Millisecond)
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			switch s.SampleID {
			case "PATIENT00007":
				return omicstest.Failed("File validation failed")
			case "PATIENT00123":
				return omicstest.Failed("<R1> and <R2> of PATIENT00123 differ in length")
			}
			return omicstest.Outcome{}
		}
	})
	p := w.start()
	text := func(selector string) (text string) {
		require.NoError(t, chromedp.Run(browser, chromedp.Text(selector, &text)))
		return text
	}
	shows := func(selector, want string) {
		t.Helper()
		p.until(func() bool { return strings.Contains(text(selector), want) })
	}
	require.NoError(t, chromedp.Run(browser, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), chromedp.Navigate(p.url)))
	shows("body", "Nothing has been posted yet.")
	shows("#connection", "live")

	p.post("2026-11-24-plate-7", sheet(0, 150))
	shows("article", "2026-11-24-plate-7")
	shows("article", "running")
	shows("article.incomplete", "148 of 150 in the store, 2 failed")
	require.NoError(t, chromedp.Run(browser, chromedp.Click("summary")))
	shows("article li:nth-child(1)", "Source 7: File validation failed (job ")
	shows("article li:nth-child(2)", "Source 123: <R1> and <R2> of … differ in length (job ")

	p.post("2026-11-25-plate-8", sheet(150, 1000))
	p.post("2026-11-26-plate-9", sheet(1150, 100))
	shows("article:nth-child(1) .state", "queued")
	shows("article:nth-child(2)", "400 running")
	shows("article:nth-child(2)", "00 of 1000 in the store")
	var width int
	require.NoError(t, chromedp.Run(browser, chromedp.Evaluate(`Math.max(document.documentElement.scrollWidth, innerWidth)`, &width)))
	require.Equal(t, 390, width, "of the page, on a phone")
	require.NotContains(t, text("body"), "PATIENT")
	if file := os.Getenv(screenshotEnv); file != "" {
		var png []byte
		require.NoError(t, chromedp.Run(browser, chromedp.Sleep(time.Second), chromedp.CaptureScreenshot(&png))) // once the bars stand still
		require.NoError(t, os.WriteFile(file, png, 0o600))
	}

	p.kill()
	shows("#connection", "not connected")
	w.start("-addr=" + strings.TrimPrefix(p.url, "http://"))
	shows("#connection", "live")
	shows("article.imported", "2026-11-26-plate-9")
}

// openBrowser opens a tab in a browser without a window. The test is skipped where there is none.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium: apt-get install chromium")
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WSURLReadTimeout(patience))...)
	t.Cleanup(cancel)
	var problems []string
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf(format, args...))
	}))
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Run(ctx), problems)
	return ctx
}
