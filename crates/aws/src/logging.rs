//! Log lines: one flat JSON object each, so that a log query needs no paths.
//!
//! Keys follow Powertools for AWS Lambda: `timestamp`, `level`, `message`, `service`, `target`, then the fields
//! of the line and of the spans around it (`correlation_id`, `function_request_id`, …).

use json_subscriber::JsonLayer;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends log lines to the standard output from now on.
///
/// The level is that of `RUST_LOG` (directives such as `info,aws=debug`) or of `AWS_LAMBDA_LOG_LEVEL`, which
/// Lambda sets from the function's logging settings; `INFO` without either, or when it cannot be read.
pub fn init(service: &'static str, lookup: impl Fn(&str) -> Option<String>) {
    let filter = targets(lookup);
    // Only fails when a subscriber is set already, as in a test: then that one stays.
    let _ = Registry::default().with(layer(service, std::io::stdout)).with(filter).try_init();
}

fn targets(lookup: impl Fn(&str) -> Option<String>) -> Targets {
    let directives = ["RUST_LOG", "AWS_LAMBDA_LOG_LEVEL"].into_iter().find_map(lookup);
    let parsed = directives.and_then(|text| match text.trim().to_ascii_lowercase().as_str() {
        // Lambda has one level more than tracing, which would take the word for the name of a module.
        "fatal" => Some(Targets::new().with_default(Level::ERROR)),
        text => text.parse().ok(),
    });
    parsed.unwrap_or_else(|| Targets::new().with_default(Level::INFO))
}

fn layer<W>(service: &'static str, writer: W) -> JsonLayer<Registry, W>
where
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    let mut layer = JsonLayer::new(writer);
    layer.with_timer("timestamp", SystemTime);
    layer.with_level("level");
    layer.with_target("target");
    layer.with_flattened_event();
    layer.with_top_level_flattened_span_list();
    layer.add_static_field("service", service.into());
    layer
}

#[cfg(test)]
mod tests {
    use std::io::{Result, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn lines(work: impl FnOnce()) -> Vec<Value> {
        let paper = Paper::default();
        let writer = paper.clone();
        let subscriber =
            Registry::default().with(layer("processor", move || writer.clone())).with(targets(|_| None));
        tracing::subscriber::with_default(subscriber, work);
        let written = paper.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_flat_and_carries_the_fields_of_its_spans() {
        let lines = lines(|| {
            let _outer = tracing::info_span!("invocation", function_request_id = "r1").entered();
            let inner = tracing::info_span!("message", correlation_id = tracing::field::Empty).entered();
            inner.record("correlation_id", "the event");
            inner.record("correlation_id", "c1");
            tracing::info!(rows_ok = 717, "processed");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        for (key, expected) in [
            ("level", Value::from("INFO")),
            ("message", "processed".into()),
            ("service", "processor".into()),
            ("function_request_id", "r1".into()),
            ("correlation_id", "c1".into()),
            ("rows_ok", 717.into()),
        ] {
            assert_eq!(line[key], expected, "{key}: {line}");
        }
        assert!(line["timestamp"].is_string());
        assert!(line.as_object().unwrap().values().all(|value| !value.is_object()), "{line}");
    }

    #[test]
    fn the_level_is_the_functions() {
        let set = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| value.into())
        };
        assert!(targets(set("AWS_LAMBDA_LOG_LEVEL", "WARN")).would_enable("aws", &Level::WARN));
        assert!(!targets(set("AWS_LAMBDA_LOG_LEVEL", "WARN")).would_enable("aws", &Level::INFO));
        assert!(targets(set("RUST_LOG", "info,aws=debug")).would_enable("aws::edge", &Level::DEBUG));
        assert!(!targets(set("RUST_LOG", "info,aws=debug")).would_enable("hyper", &Level::DEBUG));
        assert!(targets(set("AWS_LAMBDA_LOG_LEVEL", "FATAL")).would_enable("aws", &Level::ERROR));
        assert!(
            targets(set("RUST_LOG", "aws=loud")).would_enable("aws", &Level::INFO),
            "INFO when unreadable"
        );
    }
}
