package sim

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// foreigners are jobs of somebody else.
func (w *world) foreigners(number int) {
	var api *omics.Client
	var inner http.RoundTripper
	api = w.service.Client(func(o *omics.Options) {
		inner = o.HTTPClient.(*http.Client).Transport
		o.HTTPClient = &http.Client{Transport: unspoiled{w, inner}}
	})
	c, err := readsetimport.New(api)
	if err != nil {
		panic(err)
	}
	for i := range w.plan.service.foreign {
		source := readsetimport.UBAM(fmt.Sprintf("s3://elsewhere/%d/%d.bam", number, i)).WithSubject("x").WithSample("x")
		_, _ = c.Start(context.Background(), batch("foreign", []readsetimport.Source{source}))
	}
}

type unspoiled struct {
	w    *world
	next http.RoundTripper
}

func (u unspoiled) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	return u.w.carry(u.next, req.Clone(req.Context()), body, omicstest.Fault{})
}
