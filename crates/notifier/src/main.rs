//! The notifier as a Lambda function.

use std::sync::Arc;

use aws::clock::SystemClock;
use aws::config::NotifierSettings;
use aws::dynamodb::TableAnalyses;
use aws::edge::{RuntimeError, run};
use aws::s3::S3Objects;
use aws::ses::SesMailer;
use aws::{clients, logging};
use notifier::{Notifier, Settings, Unsettled, handler};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RuntimeError> {
    logging::init("notifier", variable);
    let settings = NotifierSettings::from_lookup(variable)
        .inspect_err(|problems| tracing::error!(%problems, "the function cannot start"))?;
    let sdk = clients::sdk_config().await;
    let notifier = Arc::new(Notifier {
        objects: S3Objects::new(clients::s3(&sdk, settings.s3_path_style)),
        analyses: TableAnalyses::new(clients::dynamodb(&sdk), settings.table, settings.retention_days),
        mailer: SesMailer::new(clients::ses(&sdk), settings.configuration_set),
        clock: SystemClock,
        settings: Settings {
            from: settings.sender,
            default_recipients: settings.recipients,
            output_base: settings.output_base,
            unsettled: if settings.resend_unsettled { Unsettled::Resend } else { Unsettled::Park },
            ledger: true,
        },
    });
    run(move |event| {
        let notifier = Arc::clone(&notifier);
        async move { handler::handle(&notifier, event).await }
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "a main is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
