package omicstest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Fault says what goes wrong with a request or with its answer. The functions of this package return the usual faults;
// set the fields for others. The zero Fault changes nothing.
type Fault struct {
	// Delay is how long the answer, or the break of the connection, is held back. The request is still executed at
	// once.
	Delay time.Duration

	// Execute makes the service execute the request although it gives another answer.
	Execute bool

	// Late, if above 0, is how long after its arrival the request is executed, unknown to its client, which may be
	// gone by then. Without a Status, the connection breaks at once. Late overrides Execute.
	Late time.Duration

	// Status is the HTTP status of an answer that replaces the service's own. Zero: the service's own answer.
	Status int

	// Type is the error code, sent in the header x-amzn-errortype. Empty: none is sent.
	Type string

	// Message is the message in the body. Without Message, Type and Body, the body is empty.
	Message string

	// Header is added to the header of the answer.
	Header http.Header

	// Body returns the body of the answer and replaces the one with the Message. It is called once for each answer.
	// The body may be endless.
	Body func() io.Reader

	// Break says how the connection breaks.
	Break Break
}

// Break says how a connection breaks: the field of a [Fault] for tests that DropBefore, DropAfter, Truncate and Reset do not
// cover.
type Break int

// The ways in which a connection breaks.
const (
	BreakNone    Break = iota
	BreakRequest       // reset before the request is executed
	BreakAnswer        // reset after the request is executed, before any of the answer is sent
	BreakBody          // closed in the middle of the answer's body
	BreakReset         // reset in the middle of the answer's body
)

// Status returns an error answer with an HTTP status, an error code and a message. If the code (typed) is empty, a
// client has only the HTTP status; if the message is empty too, the body is empty.
func Status(status int, typed, message string) Fault {
	return Fault{Status: status, Type: typed, Message: message}
}

// HTML returns the error answer of a gateway or proxy: a page without any code of the service. Inject it to test that a
// client reads the status and does not choke on the body.
func HTML(status int) Fault {
	page := "<html>\r\n<head><title>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</title></head>\r\n" +
		"<body><center><h1>" + strconv.Itoa(status) + " " + http.StatusText(status) + "</h1></center></body>\r\n</html>\r\n"
	return Fault{
		Status: status,
		Header: http.Header{"Content-Type": {"text/html"}},
		Body:   func() io.Reader { return bytes.NewReader([]byte(page)) },
	}
}

// Raw returns any answer. If body is nil, the answer's body is empty. Use it for answers that no other function returns,
// such as a 200 with an invented body.
func Raw(status int, header http.Header, body func() io.Reader) Fault {
	if body == nil {
		body = func() io.Reader { return http.NoBody }
	}
	return Fault{Status: status, Header: header, Body: body}
}

// Redirect returns a temporary redirect that keeps method and body (307). Inject it to test that a client does not send
// what it imports to another host.
func Redirect(location string) Fault {
	return Raw(http.StatusTemporaryRedirect, http.Header{"Location": {location}}, nil)
}

// Huge returns an answer whose body is a JSON object with one message, size bytes long. The service does not hold the
// body in memory. Inject it to test that a client bounds what it reads.
func Huge(status int, typed string, size int64) Fault {
	f := Status(status, typed, "")
	f.Body = func() io.Reader {
		const head, tail = `{"message":"`, `"}`
		filler := io.LimitReader(letters{}, max(0, size-int64(len(head)+len(tail))))
		return io.MultiReader(bytes.NewReader([]byte(head)), filler, bytes.NewReader([]byte(tail)))
	}
	return f
}

// DropBefore returns a fault that breaks the connection before the request is executed. A client cannot tell it from
// [DropAfter]: inject both.
func DropBefore() Fault { return Fault{Break: BreakRequest} }

// DropAfter returns a fault that breaks the connection after the request is executed, before anything is answered. Inject
// it to test that a lost answer starts no second job.
func DropAfter() Fault { return Fault{Break: BreakAnswer} }

// Truncate returns a fault that closes the connection in the middle of the answer's body, after the request is executed.
// Inject it to test that half an answer is not taken for one.
func Truncate() Fault { return Fault{Break: BreakBody} }

// Reset returns a fault that resets the connection in the middle of the answer's body, after the request is executed.
// Clients that repeat a request by themselves do so here; inject it to test that none starts a second job.
func Reset() Fault { return Fault{Break: BreakReset} }

// Empty returns the answer {} with status 200, after the request is executed. Inject it to test that a client does not
// take an answer without a job id for a success.
func Empty() Fault {
	return Raw(http.StatusOK, nil, func() io.Reader { return bytes.NewReader([]byte("{}")) }).AfterExecution()
}

// Delay returns a fault that holds the service's own answer back. Inject it to test time-outs.
func Delay(d time.Duration) Fault { return Fault{Delay: d} }

// Late returns a fault that breaks the connection, and executes the request after d. Inject it to test that a client does
// not conclude too early that nothing was started.
func Late(d time.Duration) Fault { return Fault{Break: BreakRequest, Late: d} }

// WithDelay returns the fault with its answer held back for d, for errors that come after a client has given up.
func (f Fault) WithDelay(d time.Duration) Fault {
	f.Delay = d
	return f
}

// WithMessage returns the fault with another message in the body, such as one that quotes a sample id, for tests of what a
// program shows or logs of it.
func (f Fault) WithMessage(message string) Fault {
	f.Message = message
	return f
}

// WithRetryAfter returns the fault with a Retry-After header of d in whole seconds, for tests that a client waits so long.
func (f Fault) WithRetryAfter(d time.Duration) Fault {
	f.Header = f.Header.Clone()
	if f.Header == nil {
		f.Header = make(http.Header)
	}
	f.Header.Set("Retry-After", strconv.FormatInt(int64(d/time.Second), 10))
	return f
}

// AfterExecution returns the fault as the answer to a request that is executed nevertheless, such as a 500 to a Start that
// has started its job.
func (f Fault) AfterExecution() Fault {
	f.Execute = true
	return f
}

// replaces reports whether the fault replaces the service's own answer.
func (f Fault) replaces() bool { return f.Status != 0 || f.Break == BreakRequest || f.Late > 0 }

// executes reports whether the request is executed on arrival.
func (f Fault) executes() bool { return f.Late <= 0 && (f.Execute || !f.replaces()) }

// apply returns the answer that a client gets in place of the service's own.
func (f Fault) apply(own answer) answer {
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

// letters is an endless stream of one letter.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
