//! The processor as a Lambda function.

use std::sync::Arc;

use aws::clock::SystemClock;
use aws::config::ProcessorSettings;
use aws::edge::{RuntimeError, run};
use aws::eventbridge::BusEvents;
use aws::s3::S3Objects;
use aws::{clients, logging};
use processor::{Processor, Settings, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    logging::init("processor", variable);
    let settings = ProcessorSettings::from_lookup(variable)
        .inspect_err(|problems| tracing::error!(%problems, "the function cannot start"))?;
    let sdk = clients::sdk_config().await;
    let processor = Arc::new(Processor::new(
        S3Objects::new(clients::s3(&sdk, settings.s3_path_style)),
        BusEvents::new(clients::eventbridge(&sdk), settings.event_bus),
        SystemClock,
        Settings {
            max_file_bytes: settings.max_file_bytes,
            archive: settings.archive,
            ledger: true,
            ..Settings::default()
        },
    ));
    run(move |event| {
        let processor = Arc::clone(&processor);
        async move { handler::handle(&processor, event).await }
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "a main is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
