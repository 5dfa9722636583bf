package wire

import (
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/journal"
)

// Place returns where the stores are that a client's requests go to, as far as that is known without a request: the
// Region and the endpoint of an SDK client with these options, and the account of the role.
func Place(roleARN string, client any, optFns []func(*omics.Options)) journal.Place {
	var p journal.Place
	if arn := strings.SplitN(roleARN, ":", 6); len(arn) == 6 && rules.IsAccount(arn[4]) {
		p.Account = arn[4]
	}
	sdk, ok := client.(interface{ Options() omics.Options })
	if !ok {
		return p
	}
	o := sdk.Options()
	for _, fn := range optFns {
		fn(&o)
	}
	p.Region = o.Region
	if endpoint, err := url.Parse(aws.ToString(o.BaseEndpoint)); err == nil && !ofAWS(endpoint.Hostname()) {
		p.Endpoint = endpoint.Host
	}
	return p
}

// ofAWS reports whether the host is one of AWS's own, all of which serve the same stores of a Region.
func ofAWS(host string) bool {
	return slices.ContainsFunc([]string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"}, func(domain string) bool {
		return strings.HasSuffix(host, domain)
	})
}
