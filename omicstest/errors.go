package omicstest

import "net/http"

// The error answers of the service itself. [Fault.WithMessage] changes the message.

// Validation returns the answer to input that fails a constraint: 400 ValidationException. The service gives it by
// itself for input that breaks a published constraint; inject it to refuse input that is valid.
func Validation() Fault {
	return Status(http.StatusBadRequest, "ValidationException", "1 validation error detected")
}

// QuotaExceeded returns the answer to a Start while too many import jobs are active: 402
// ServiceQuotaExceededException. Inject it to refuse one request; [Options.MaxActiveJobs] is for a quota that jobs fill.
func QuotaExceeded() Fault {
	return Status(http.StatusPaymentRequired, "ServiceQuotaExceededException", "The maximum number of import jobs is running")
}

// AccessDenied returns the answer to a caller without the permission: 403 AccessDeniedException. Inject it to
// test what a program says and does when a policy is missing; return it from [Options.Fault] to refuse every request.
func AccessDenied() Fault {
	return Status(http.StatusForbidden, "AccessDeniedException", "User is not authorized to perform this operation")
}

// ExpiredToken returns the answer to a request that was signed with expired credentials: 403 ExpiredTokenException.
// Inject it to test an import that outlives its credentials.
func ExpiredToken() Fault {
	return Status(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired")
}

// NotFound returns the answer for a store, job or read set that does not exist: 404 ResourceNotFoundException.
// The service gives it by itself for a store that it does not have; inject it for one that exists.
func NotFound() Fault {
	return Status(http.StatusNotFound, "ResourceNotFoundException", "The resource does not exist")
}

// RequestTimeout returns the answer to a request that took too long: 408 RequestTimeoutException. The request is not
// executed; with [Fault.AfterExecution], it is, which a client cannot know.
func RequestTimeout() Fault {
	return Status(http.StatusRequestTimeout, "RequestTimeoutException", "The request timed out")
}

// Throttled returns the answer to more requests per second than the quota: 429 ThrottlingException. Inject it, often
// with [Fault.WithRetryAfter], to test one; [Options.RequestRate] is for a quota that requests fill.
func Throttled() Fault {
	return Status(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")
}

// Internal returns the answer to a request that failed for a reason unknown to the client: 500
// InternalServerException. The request is not executed; with [Fault.AfterExecution], it is, which a client cannot know.
func Internal() Fault {
	return Status(http.StatusInternalServerError, "InternalServerException", "An unexpected error occurred")
}

// Unavailable returns the answer of an overloaded gateway in front of the service: 503, with neither code nor body. Inject it to
// test that a client goes by the status where there is no code.
func Unavailable() Fault { return Status(http.StatusServiceUnavailable, "", "") }
