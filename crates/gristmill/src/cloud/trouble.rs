//! What went wrong at AWS, and what to do about it.
use operator::names::{Names, Stage};
use shared::ports::{Fault, FaultKind};

use crate::failure::Failure;

/// Where the policy is written down that an operator needs.
const POLICY: &str = "docs/OPERATE.md has the whole policy";

/// Where a stack is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) names: Names,
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// Where the services are, if not where they usually are.
    pub(crate) endpoint: Option<String>,
}

impl Default for Place {
    fn default() -> Self {
        Self { names: Names::of(""), bucket: String::new(), region: String::new(), endpoint: None }
    }
}

pub(crate) fn no_region() -> Failure {
    Failure::usage("which region? set AWS_REGION, or a region in the profile that AWS_PROFILE names")
}

impl Place {
    /// Says what failed, and what to do.
    pub(crate) fn failure(&self, fault: &Fault) -> Failure {
        let Fault { operation, code, .. } = fault;
        match (fault.kind, code.as_str()) {
            (_, "NoCredentials") => Failure::usage(format!(
                "there are no AWS credentials{}\nlog in (aws sso login), name a profile (AWS_PROFILE), or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                because(fault)
            )),
            (_, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired") => Failure::usage(
                "the AWS credentials have expired\nlog in again (aws sso login), or get new ones",
            ),
            (
                _,
                "UnrecognizedClientException"
                | "InvalidAccessKeyId"
                | "InvalidClientTokenId"
                | "SignatureDoesNotMatch",
            ) => Failure::usage(format!(
                "AWS does not know these credentials ({code})\nname another profile (AWS_PROFILE), or check the keys; \
                 keys belong to one account and one endpoint"
            )),
            (
                _,
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException"
                | "301",
            ) => Failure::usage(format!(
                "the bucket {} is not in {}\nset AWS_REGION to the stack's region",
                self.bucket, self.region
            )),
            (FaultKind::Denied, _) => Failure::usage(self.denied(operation, code, fault)),
            (FaultKind::NotFound, _) => Failure::usage(self.missing(operation, code)),
            (
                FaultKind::Unavailable | FaultKind::TimedOut,
                "DispatchFailure" | "DispatchTimedOut" | "TimedOut",
            ) => Failure::program(self.unreachable(fault)),
            _ => Failure::program(format!("{operation} failed: {code}{}", because(fault))),
        }
    }

    /// Which permission is missing, and on what.
    fn denied(&self, operation: &str, code: &str, fault: &Fault) -> String {
        let stack = self.names.stack();
        if code.starts_with("KMS.") {
            let key = "the stack's key, by which its queues are encrypted (alias/";
            return format!(
                "access denied by KMS at {operation}{}\nallow kms:Decrypt and kms:GenerateDataKey on {key}{stack}); {POLICY}",
                because(fault)
            );
        }
        let bucket = &self.bucket;
        let (action, resource) = match operation {
            "ListObjectVersions" => ("s3:ListBucketVersions", format!("the bucket {bucket}")),
            "ListObjectsV2" => ("s3:ListBucket", format!("the bucket {bucket}")),
            "GetObject" => ("s3:GetObject", format!("{bucket}/ledger/* and {bucket}/manifests/*")),
            "GetItem" => ("dynamodb:GetItem", format!("the table {}", self.names.table())),
            "GetQueueUrl" => ("sqs:GetQueueUrl", format!("the queues {stack}-*")),
            "GetQueueAttributes" => ("sqs:GetQueueAttributes", format!("the queues {stack}-*")),
            "SendMessage" => ("sqs:SendMessage", format!("the queues {stack}-*")),
            "ReceiveMessage" => ("sqs:ReceiveMessage", format!("the queues {stack}-*-dead-letters")),
            "DeleteMessage" => ("sqs:DeleteMessage", format!("the queues {stack}-*-dead-letters")),
            "ChangeMessageVisibility" => {
                ("sqs:ChangeMessageVisibility", format!("the queues {stack}-*-dead-letters"))
            }
            other => (other, "it".to_owned()),
        };
        format!("access denied at {operation}{}\nallow {action} on {resource}; {POLICY}", because(fault))
    }

    /// What is not there.
    fn missing(&self, operation: &str, code: &str) -> String {
        let Self { names, bucket, region, .. } = self;
        match (operation, code) {
            ("GetQueueUrl", _) => format!(
                "there is no queue of the stack {} in {region}, such as {}\ncheck the stack's name and environment \
                 (--stack gristmill-dev) and the region (AWS_REGION)",
                names.stack(),
                names.queue(Stage::Processor),
            ),
            ("GetItem", _) => format!(
                "there is no table {} in {region}\ncheck the stack's name (--stack) and the region (AWS_REGION)",
                names.table()
            ),
            (_, "NoSuchBucket") => format!(
                "there is no bucket {bucket}\ncheck the region (AWS_REGION); a stack that was given a bucket is told \
                 which: --bucket or GRISTMILL_BUCKET"
            ),
            _ => format!("{operation} found nothing: {code}"),
        }
    }

    fn unreachable(&self, fault: &Fault) -> String {
        match &self.endpoint {
            Some(endpoint) => format!(
                "nothing answers at {endpoint}{}\ncheck AWS_ENDPOINT_URL: is the emulator running?",
                because(fault)
            ),
            None => format!(
                "AWS does not answer in {}{}\ncheck the network, and that the region (AWS_REGION) exists",
                self.region,
                because(fault)
            ),
        }
    }
}

/// What lies underneath, if it says anything.
fn because(fault: &Fault) -> String {
    let Some(source) = &fault.source else { return String::new() };
    // The list of all that was tried for credentials comes on lines of its own.
    let told = source.to_string();
    let mut words = told.lines().next().unwrap_or_default().to_owned();
    let mut cause = source.source();
    while let Some(error) = cause {
        let more = error.to_string().lines().next().unwrap_or_default().to_owned();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    format!(": {}", words.trim_end_matches(" Attempted:"))
}

#[cfg(test)]
mod tests {
    use crate::failure::Exit;

    use super::*;

    fn place() -> Place {
        Place {
            names: Names::of("mill-dev"),
            bucket: "mill-dev-111122223333-eu-west-1".into(),
            region: "eu-west-1".into(),
            endpoint: None,
        }
    }

    fn told(operation: &'static str, kind: FaultKind, code: &str) -> (Exit, String) {
        let Failure { exit, message } = place().failure(&Fault::new(operation, kind, code).caused_by("why"));
        assert_eq!(message.lines().count(), if exit == Exit::Usage { 2 } else { message.lines().count() });
        (exit, message)
    }

    #[test]
    fn each_missing_permission_is_named() {
        for (operation, action) in [
            ("ListObjectVersions", "s3:ListBucketVersions"),
            ("ListObjectsV2", "s3:ListBucket"),
            ("GetObject", "s3:GetObject"),
            ("GetItem", "dynamodb:GetItem on the table mill-dev-analyses"),
            ("GetQueueUrl", "sqs:GetQueueUrl"),
            ("GetQueueAttributes", "sqs:GetQueueAttributes"),
            ("SendMessage", "sqs:SendMessage on the queues mill-dev-*"),
            ("ReceiveMessage", "sqs:ReceiveMessage"),
            ("DeleteMessage", "sqs:DeleteMessage"),
            ("ChangeMessageVisibility", "sqs:ChangeMessageVisibility"),
        ] {
            let (exit, message) = told(operation, FaultKind::Denied, "AccessDenied");
            assert_eq!(exit, Exit::Usage);
            assert!(message.contains(&format!("allow {action}")), "{message}");
        }
        let (_, message) = told("ReceiveMessage", FaultKind::Denied, "KMS.AccessDeniedException");
        assert!(message.contains("kms:Decrypt") && message.contains("alias/mill-dev"), "{message}");
    }

    #[test]
    fn what_is_not_there_is_named_with_what_to_check() {
        for (operation, code, words) in [
            ("GetQueueUrl", "AWS.SimpleQueueService.NonExistentQueue", "mill-dev-process"),
            ("GetItem", "ResourceNotFoundException", "no table mill-dev-analyses in eu-west-1"),
            ("ListObjectVersions", "NoSuchBucket", "no bucket mill-dev-111122223333-eu-west-1"),
        ] {
            let (exit, message) = told(operation, FaultKind::NotFound, code);
            assert_eq!(exit, Exit::Usage);
            assert!(message.contains(words) && message.contains("AWS_REGION"), "{message}");
        }
    }

    #[test]
    fn credentials_region_and_network_have_their_own_words() {
        let (exit, message) = told("Credentials", FaultKind::Denied, "NoCredentials");
        assert!(
            exit == Exit::Usage && message.contains("AWS_PROFILE") && message.contains(": why"),
            "{message}"
        );
        let (exit, message) = told("GetItem", FaultKind::Unavailable, "ExpiredTokenException");
        assert!(exit == Exit::Usage && message.contains("expired"), "{message}");
        let (_, message) = told("GetQueueUrl", FaultKind::Denied, "UnrecognizedClientException");
        assert!(message.contains("does not know these credentials"), "{message}");
        let (_, message) = told("ListObjectVersions", FaultKind::Invalid, "PermanentRedirect");
        assert!(message.contains("is not in eu-west-1"), "{message}");
        let (exit, message) = told("GetQueueUrl", FaultKind::Unavailable, "DispatchFailure");
        assert!(exit == Exit::Failed && message.contains("check the network"), "{message}");
        let emulated = Place { endpoint: Some("http://127.0.0.1:1".into()), ..place() };
        let fault = Fault::new("GetQueueUrl", FaultKind::Unavailable, "DispatchFailure");
        let message = emulated.failure(&fault).message;
        assert!(message.contains("nothing answers at http://127.0.0.1:1"), "{message}");
        let (exit, message) = told("GetObject", FaultKind::Unavailable, "InternalError");
        assert_eq!((exit, message.as_str()), (Exit::Failed, "GetObject failed: InternalError: why"));
    }
}
