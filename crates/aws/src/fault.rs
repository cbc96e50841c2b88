//! What an SDK error means, told by its code and its HTTP status and never by its text.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::ports::{Fault, FaultKind};

/// The fault of a failed call.
pub(crate) fn fault<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let (kind, code) = kind_and_code(&error);
    Fault::new(operation, kind, code).caused_by(told_in_full(&error))
}

/// What an SDK error says, with its causes and the request's id.
///
/// Its own text is "service error" and no more; its debug form, and the SDK's `DisplayErrorContext`, would print
/// the whole response, and with it rows or the words of a model into the log.
fn told_in_full<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
    if let Some(message) = message.filter(|message| !told.contains(message)) {
        told.push_str(": ");
        told.push_str(message);
    }
    let headers = error.raw_response().map(HttpResponse::headers);
    let id = headers.and_then(|all| all.get("x-amz-request-id").or_else(|| all.get("x-amzn-requestid")));
    if let Some(id) = id {
        told.push_str("; request ");
        told.push_str(id);
    }
    told
}

fn kind_and_code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> (FaultKind, String) {
    match error {
        SdkError::ConstructionFailure(_) => (FaultKind::Invalid, "ConstructionFailure".to_owned()),
        SdkError::TimeoutError(_) => (FaultKind::TimedOut, "TimedOut".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (FaultKind::TimedOut, "DispatchTimedOut".to_owned())
        }
        SdkError::DispatchFailure(_) => (FaultKind::Unavailable, "DispatchFailure".to_owned()),
        SdkError::ResponseError(_) => (FaultKind::Unavailable, "UnreadableResponse".to_owned()),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code();
            (
                kind_of(code.unwrap_or_default(), status),
                code.map_or_else(|| status.to_string(), str::to_owned),
            )
        }
        _ => (FaultKind::Internal, "UnknownFailure".to_owned()),
    }
}

/// What a service's code and status mean. The code decides where it is known; services that speak JSON answer
/// 400 to almost everything.
pub(crate) fn kind_of(code: &str, status: u16) -> FaultKind {
    if let Some(kind) = kind_of_code(code) {
        return kind;
    }
    match status {
        // The call worked, and its answer cannot be read.
        ..=399 if code.is_empty() => FaultKind::Unavailable,
        401 | 403 => FaultKind::Denied,
        404 | 410 => FaultKind::NotFound,
        408 | 504 => FaultKind::TimedOut,
        409 => FaultKind::Contended,
        412 => FaultKind::Changed,
        429 => FaultKind::Throttled,
        424 | 500.. => FaultKind::Unavailable,
        _ => FaultKind::Invalid,
    }
}

fn kind_of_code(code: &str) -> Option<FaultKind> {
    Some(match code {
        // The list of the SDK's own retry classifier (aws-runtime, `THROTTLING_ERRORS`), and Bedrock's.
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "ServiceQuotaExceededException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "OverLimit"
        | "KMS.ThrottlingException"
        | "ModelNotReadyException" => FaultKind::Throttled,
        "RequestTimeout" | "RequestTimeoutException" | "ModelTimeoutException" => FaultKind::TimedOut,
        "InternalError"
        | "InternalFailure"
        | "InternalException"
        | "InternalServerError"
        | "InternalServerException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "ModelErrorException" => FaultKind::Unavailable,
        "ConditionalRequestConflict"
        | "OperationAborted"
        | "TransactionConflictException"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException" => FaultKind::Contended,
        "NoSuchKey"
        | "NoSuchVersion"
        | "NoSuchBucket"
        | "NoSuchUpload"
        | "NotFound"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "ResourceNotFoundException" => FaultKind::NotFound,
        "PreconditionFailed" => FaultKind::Changed,
        "AccessDenied"
        | "AccessDeniedException"
        | "KMS.AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "NotAuthorized"
        | "SignatureDoesNotMatch" => FaultKind::Denied,
        // Lambda renews its credentials by itself: the next delivery has fresh ones.
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => FaultKind::Unavailable,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_before_the_status() {
        for (code, status, expected) in [
            ("SlowDown", 503, FaultKind::Throttled),
            ("ThrottlingException", 400, FaultKind::Throttled),
            ("AccessDeniedException", 400, FaultKind::Denied),
            ("ResourceNotFoundException", 400, FaultKind::NotFound),
            ("InternalServerError", 500, FaultKind::Unavailable),
            ("ConditionalRequestConflict", 409, FaultKind::Contended),
            ("ModelErrorException", 424, FaultKind::Unavailable),
            ("", 503, FaultKind::Unavailable),
            ("", 504, FaultKind::TimedOut),
            ("", 429, FaultKind::Throttled),
            ("", 403, FaultKind::Denied),
            ("", 200, FaultKind::Unavailable),
            ("InvalidPart", 200, FaultKind::Invalid),
            ("ValidationException", 400, FaultKind::Invalid),
        ] {
            assert_eq!(kind_of(code, status), expected, "{code} {status}");
        }
    }
}
