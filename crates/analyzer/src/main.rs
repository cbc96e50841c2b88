//! The analyzer as a Lambda function.

use std::sync::Arc;

use analyzer::{Analyzer, Settings, handler};
use aws::bedrock::BedrockModel;
use aws::clock::SystemClock;
use aws::config::AnalyzerSettings;
use aws::dynamodb::TableAnalyses;
use aws::edge::{RuntimeError, run};
use aws::eventbridge::BusEvents;
use aws::s3::S3Objects;
use aws::{clients, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    logging::init("analyzer", variable);
    let settings = AnalyzerSettings::from_lookup(variable)
        .inspect_err(|problems| tracing::error!(%problems, "the function cannot start"))?;
    let sdk = clients::sdk_config().await;
    let analyzer = Arc::new(Analyzer {
        objects: S3Objects::new(clients::s3(&sdk, settings.s3_path_style)),
        analyses: TableAnalyses::new(clients::dynamodb(&sdk), settings.table, settings.retention_days),
        model: settings.model_id.map(|id| BedrockModel::new(clients::bedrock(&sdk), id)),
        events: BusEvents::new(clients::eventbridge(&sdk), settings.event_bus),
        clock: SystemClock,
        settings: Settings { ttl_days: settings.retention_days, ..Settings::default() },
    });
    run(move |event| {
        let analyzer = Arc::clone(&analyzer);
        async move { handler::handle(&analyzer, event).await }
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "a main is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
