package omicstest

import "net/http"

// The error answers of the service itself. [Fault.WithMessage] changes the message.

// Validation returns the answer to input that fails a constraint: 400 ValidationException.
func Validation() Fault {
	return Status(http.StatusBadRequest, "ValidationException", "1 validation error detected")
}

// QuotaExceeded returns the answer to a Start while too many import jobs are active: 402
// ServiceQuotaExceededException.
func QuotaExceeded() Fault {
	return Status(http.StatusPaymentRequired, "ServiceQuotaExceededException", "The maximum number of import jobs is running")
}

// AccessDenied returns the answer to a caller without the permission: 403 AccessDeniedException.
func AccessDenied() Fault {
	return Status(http.StatusForbidden, "AccessDeniedException", "User is not authorized to perform this operation")
}

// ExpiredToken returns the answer to a request that was signed with expired credentials: 403 ExpiredTokenException.
func ExpiredToken() Fault {
	return Status(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired")
}

// NotFound returns the answer for a store, job or read set that does not exist: 404 ResourceNotFoundException.
func NotFound() Fault {
	return Status(http.StatusNotFound, "ResourceNotFoundException", "The resource does not exist")
}

// RequestTimeout returns the answer to a request that took too long: 408 RequestTimeoutException. The request is not
// executed; see [Fault.AfterExecution].
func RequestTimeout() Fault {
	return Status(http.StatusRequestTimeout, "RequestTimeoutException", "The request timed out")
}

// Throttled returns the answer to more requests per second than the quota: 429 ThrottlingException.
func Throttled() Fault {
	return Status(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")
}

// Internal returns the answer to a request that failed for a reason unknown to the client: 500
// InternalServerException. The request is not executed; see [Fault.AfterExecution].
func Internal() Fault {
	return Status(http.StatusInternalServerError, "InternalServerException", "An unexpected error occurred")
}

// Unavailable returns the answer of an overloaded gateway in front of the service: 503, with neither code nor body.
func Unavailable() Fault { return Status(http.StatusServiceUnavailable, "", "") }
