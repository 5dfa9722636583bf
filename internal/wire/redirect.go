package wire

import (
	"net/http"
	"sync"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
)

// httpClients keeps the redirect-refusing twin of an HTTP client, so that connections are pooled.
type httpClients struct {
	mu    sync.Mutex
	plain *awshttp.BuildableClient
	twin  omics.HTTPClient
}

// noRedirects returns the client with redirects refused: a 3xx is an answer like another. A client of a type that is
// neither the SDK's nor net/http's own is returned as it is.
func (h *httpClients) noRedirects(client omics.HTTPClient) omics.HTTPClient {
	if b, ok := client.(*awshttp.BuildableClient); ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.plain != b {
			h.plain, h.twin = b, refuseRedirects(b.Freeze())
		}
		return h.twin
	}
	return refuseRedirects(client)
}

func refuseRedirects(client omics.HTTPClient) omics.HTTPClient {
	plain, ok := client.(*http.Client)
	if !ok {
		return client
	}
	twin := *plain
	twin.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &twin
}
