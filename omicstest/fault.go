package omicstest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with a request, or its answer. The constructors of this package make the usual ones;
// fields may be set for others. The zero Fault lets a request pass unharmed.
type Fault struct {
	// Delay is how long the answer, or the end of the connection, is held back. What the request does to the
	// service is done at once.
	Delay time.Duration

	// Work is whether the request is carried out although its answer is another.
	Work bool

	// Late, if above 0, is how much later than it was sent the request is carried out: its client knows nothing of
	// it, and may be gone by then. Without a Status, the connection breaks. Work makes no difference.
	Late time.Duration

	// Status is the HTTP status to answer in place of the service's own. Zero: the service's own answer.
	Status int

	// Type is the error code to send in the header x-amzn-errortype; empty: none is sent.
	Type string

	// Message is the message in the body, which is empty if this is.
	Message string

	// Header is added to the answer's header.
	Header http.Header

	// Body makes the answer's body, in place of one with the Message. It is called once for each answer and may
	// return a body without an end.
	Body func() io.Reader

	// Break is how the connection breaks.
	Break Break
}

// Break is how a connection breaks.
type Break int

// The ways in which a connection breaks.
const (
	BreakNone    Break = iota
	BreakRequest       // reset before the request is carried out
	BreakAnswer        // reset after the request is carried out, before any of the answer is sent
	BreakBody          // closed in the middle of the answer's body
	BreakReset         // reset in the middle of the answer's body
)

// Status is an error answer. With no code (typed is empty) a client has only the HTTP status to go by, and with
// neither code nor message the body is empty.
func Status(status int, typed, message string) Fault {
	return Fault{Status: status, Type: typed, Message: message}
}

// HTML is an error answer of a gateway or proxy, which knows nothing of the service's codes.
func HTML(status int) Fault {
	page := "<html>\r\n<head><title>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</title></head>\r\n" +
		"<body><center><h1>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</h1></center></body>\r\n</html>\r\n"
	return Fault{
		Status: status,
		Header: http.Header{"Content-Type": {"text/html"}},
		Body:   func() io.Reader { return bytes.NewReader([]byte(page)) },
	}
}

// Raw is any answer. A nil body is empty.
func Raw(status int, header http.Header, body func() io.Reader) Fault {
	if body == nil {
		body = func() io.Reader { return http.NoBody }
	}
	return Fault{Status: status, Header: header, Body: body}
}

// Redirect is a temporary redirect that keeps method and body (307).
func Redirect(location string) Fault {
	return Raw(http.StatusTemporaryRedirect, http.Header{"Location": {location}}, nil)
}

// Huge is an answer whose body is a JSON object with one message, size bytes long. It takes no memory of the
// service's.
func Huge(status int, typed string, size int64) Fault {
	f := Status(status, typed, "")
	f.Body = func() io.Reader {
		const head, tail = `{"message":"`, `"}`
		filler := io.LimitReader(letters{}, max(0, size-int64(len(head)+len(tail))))
		return io.MultiReader(bytes.NewReader([]byte(head)), filler, bytes.NewReader([]byte(tail)))
	}
	return f
}

// DropBefore breaks the connection before the request is carried out.
func DropBefore() Fault { return Fault{Break: BreakRequest} }

// DropAfter breaks the connection after the request is carried out, before anything is answered.
func DropAfter() Fault { return Fault{Break: BreakAnswer} }

// Truncate ends the connection in the middle of the answer's body, after the request is carried out.
func Truncate() Fault { return Fault{Break: BreakBody} }

// Reset resets the connection in the middle of the answer's body, after the request is carried out.
func Reset() Fault { return Fault{Break: BreakReset} }

// Empty answers {} with status 200, after the request is carried out.
func Empty() Fault {
	return Raw(http.StatusOK, nil, func() io.Reader { return bytes.NewReader([]byte("{}")) }).AfterWork()
}

// Delay holds the service's own answer back.
func Delay(d time.Duration) Fault { return Fault{Delay: d} }

// Late breaks the connection, and carries the request out that much later.
func Late(d time.Duration) Fault { return Fault{Break: BreakRequest, Late: d} }

// WithDelay returns the fault, with its answer held back.
func (f Fault) WithDelay(d time.Duration) Fault {
	f.Delay = d
	return f
}

// WithRetryAfter returns the fault with a Retry-After header of so many full seconds.
func (f Fault) WithRetryAfter(d time.Duration) Fault {
	f.Header = f.Header.Clone()
	if f.Header == nil {
		f.Header = make(http.Header)
	}
	f.Header.Set("Retry-After", strconv.FormatInt(int64(d/time.Second), 10))
	return f
}

// AfterWork returns the fault as the answer to a request that is carried out all the same.
func (f Fault) AfterWork() Fault {
	f.Work = true
	return f
}

// replaces tells whether the service's own answer is not given.
func (f Fault) replaces() bool { return f.Status != 0 || f.Break == BreakRequest || f.Late > 0 }

// works tells whether the request is carried out on arrival.
func (f Fault) works() bool { return f.Late <= 0 && (f.Work || !f.replaces()) }

// spoil makes the answer that the fault leaves of own.
func (f Fault) spoil(own answer) answer {
	if f.replaces() {
		own = answer{status: f.Status, header: http.Header{"Content-Type": {"application/json"}}, lazy: f.Body}
		if f.Type != "" {
			own.header.Set("X-Amzn-Errortype", f.Type)
		}
		if f.Body == nil && (f.Type != "" || f.Message != "") {
			own.body = errorBody(f.Message)
		}
	}
	for k, v := range f.Header {
		own.header[http.CanonicalHeaderKey(k)] = v
	}
	own.delay += f.Delay
	if f.Break != BreakNone {
		own.breaks = f.Break
	}
	if own.status == 0 {
		own.breaks = BreakRequest
	}
	return own
}

// letters is an endless stream of a letter.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
