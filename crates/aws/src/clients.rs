//! The SDK's clients: how long a call may take and how often the SDK repeats it.
//!
//! | service | attempts | one attempt | the whole call |
//! | --- | --- | --- | --- |
//! | S3 | 4 | 30 s | 120 s |
//! | DynamoDB, EventBridge, SQS | 4 | 5 s | 20 s |
//! | Bedrock | 3 | 60 s | 150 s |
//! | SES | 1 | 10 s | 10 s |
//!
//! The SDK sets no limit on a whole call by itself (AWS SDK for Rust developer guide, "Timeouts"). An attempt at
//! S3 may carry a part of 16 MiB; the limit leaves room for a slow network, and stalled-stream protection ends
//! a transfer that stands still. SES is never asked twice by the SDK: it has no idempotency token, so a repeated
//! call may be a second mail.
//!
//! `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_S3` (and their like) are honoured, for emulators. Plain moto also needs
//! `AWS_RESPONSE_CHECKSUM_VALIDATION=when_required`: it answers with a checksum that is none. The one of
//! `scripts/emulator.py` does not.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
#[cfg(feature = "sqs")]
use shared::ports::{Fault, FaultKind};

/// What all clients have in common: region, credentials, connections.
///
/// The behaviour version is pinned: a new one is a change that we decide on and test.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(limits(5, 20))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(10)).build(),
        )
        .load()
        .await
}

fn limits(attempt_seconds: u64, whole_seconds: u64) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(attempt_seconds))
        .operation_timeout(Duration::from_secs(whole_seconds))
        .build()
}

/// A client of S3. Emulators want the bucket in the path and not in the host name.
#[cfg(feature = "s3")]
#[must_use]
pub fn s3(config: &SdkConfig, path_style: bool) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .timeout_config(limits(30, 120))
        .force_path_style(path_style)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// A client of `EventBridge`.
#[cfg(feature = "eventbridge")]
#[must_use]
pub fn eventbridge(config: &SdkConfig) -> aws_sdk_eventbridge::Client {
    aws_sdk_eventbridge::Client::new(config)
}

/// A client of DynamoDB.
#[cfg(feature = "dynamodb")]
#[must_use]
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(config)
}

/// A client of Bedrock.
#[cfg(feature = "bedrock")]
#[must_use]
pub fn bedrock(config: &SdkConfig) -> aws_sdk_bedrockruntime::Client {
    let config = aws_sdk_bedrockruntime::config::Builder::from(config)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(limits(60, 150))
        .build();
    aws_sdk_bedrockruntime::Client::from_conf(config)
}

/// A client of SES that never repeats a call.
#[cfg(feature = "ses")]
#[must_use]
pub fn ses(config: &SdkConfig) -> aws_sdk_sesv2::Client {
    let config = aws_sdk_sesv2::config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(limits(10, 10))
        .build();
    aws_sdk_sesv2::Client::from_conf(config)
}

/// A client of SQS.
#[cfg(feature = "sqs")]
#[must_use]
pub fn sqs(config: &SdkConfig) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(config)
}

/// Asks for credentials, so that whoever has none is told so, and not by the first call that fails.
///
/// # Errors
/// [`FaultKind::Denied`] when there are none.
#[cfg(feature = "sqs")]
pub async fn credentials(config: &SdkConfig) -> Result<(), Fault> {
    use aws_sdk_sqs::config::ProvideCredentials as _;
    let missing = || Fault::new("Credentials", FaultKind::Denied, "NoCredentials");
    let provider = config.credentials_provider().ok_or_else(missing)?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => Err(missing().caused_by(error)),
    }
}
