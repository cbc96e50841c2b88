//! The three stages, one after the other, on local files.

use std::path::Path;
use std::sync::Arc;

use analyzer::Analyzer;
use futures_lite::future::block_on;
use jiff::SignedDuration;
use notifier::Notifier;
use processor::{Arrival, Processor};
use shared::events::PipelineEvent;
use shared::manifest::Manifest;
use shared::ports::{Clock as _, Objects};
use shared::record::AnalysisRecord;
use shared::stage::{Delivery, StageError};

use crate::failure::Failure;
use crate::local::{FileAnalyses, FileObjects, InputFile, LocalEvents, NoModel, Outbox, SystemClock};

/// Who claims here. Always the same, so that a run that was stopped is taken up again at once.
const OWNER: &str = "gristmill run";
/// How long a claim holds. It only matters to a process that is of another version.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// The sender of local mails.
const SENDER: &str = "gristmill@example.com";
/// Who gets a report when the contract names nobody: it goes no further than the outbox.
const RECIPIENT: &str = "you@example.com";

/// What the first stage made of a file.
#[derive(Debug)]
pub(crate) struct Processed {
    pub(crate) manifest: Manifest,
    /// Whether an earlier run had made it.
    pub(crate) duplicate: bool,
}

/// What all three stages made of a file.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) processed: Processed,
    /// Absent where the file was not to be analysed.
    pub(crate) record: Option<AnalysisRecord>,
    pub(crate) mail: notifier::Outcome,
}

impl Ran {
    /// Whether there was nothing left to do.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.processed.duplicate && self.mail == notifier::Outcome::AlreadySent
    }
}

/// Runs the first stage. `file` is what the user calls the input.
pub(crate) async fn process<O: Objects>(
    processor: &Processor<O, &LocalEvents, SystemClock>,
    input: &InputFile,
    file: &str,
) -> Result<Processed, Failure> {
    let arrival = Arrival { source: input.source().clone(), nonce: None };
    let lost = |what: &str| {
        Failure::program(format!("{file}: the file was {what} while it was being read; run it again"))
    };
    match processor.process(&arrival).await.map_err(|error| Failure::stage(file, &error))? {
        processor::Outcome::Finished { manifest, duplicate } => {
            Ok(Processed { manifest: *manifest, duplicate })
        }
        processor::Outcome::Superseded => Err(lost("changed")),
        processor::Outcome::SourceGone | processor::Outcome::Ignored => Err(lost("removed")),
    }
}

/// The first stage on files. What it rejects is counted beside the bar.
fn processor<'e>(
    objects: &FileObjects,
    events: &'e LocalEvents,
) -> Processor<FileObjects, &'e LocalEvents, SystemClock> {
    let settings = processor::Settings::default();
    let mut processor = Processor::new(objects.clone(), events, SystemClock, settings);
    processor.witness = Some(Arc::new(objects.progress.clone()));
    processor
}

/// Runs the first stage on files.
pub(crate) fn split(objects: &FileObjects, file: &str) -> Result<Processed, Failure> {
    let events = LocalEvents::default();
    let processor = processor(objects, &events);
    block_on(process(&processor, &objects.input, file))
}

/// Runs all three stages on files.
pub(crate) fn run(objects: &FileObjects, file: &str) -> Result<Ran, Failure> {
    block_on(async {
        let events = LocalEvents::default();
        let processor = processor(objects, &events);
        let processed = process(&processor, &objects.input, file).await?;
        let failed = |error: StageError| Failure::stage(file, &error);
        let analyses = FileAnalyses::new(objects.out.join("analyses"));
        let (mut record, mut mail) = (None, None);
        // Each event goes to its stage, and what that stage publishes comes next.
        let mut waiting = events.take();
        while let Some(event) = waiting.pop() {
            match &event {
                PipelineEvent::ProcessingComplete(complete) => {
                    let analyzer = Analyzer {
                        objects: objects.clone(),
                        analyses: analyses.clone(),
                        model: None::<NoModel>,
                        events: &events,
                        clock: SystemClock,
                        settings: analyzer::Settings::default(),
                    };
                    record = Some(analyzer.analyze(complete, &delivery()).await.map_err(failed)?.record);
                }
                PipelineEvent::AnalysisComplete(_) | PipelineEvent::FileRejected(_) => {
                    let notifier = notifier(objects, &analyses);
                    mail = Some(notifier.notify(&event, &delivery()).await.map_err(failed)?);
                }
                // Of the cloud only: nothing is overlooked here.
                PipelineEvent::FileOverlooked(_) | PipelineEvent::SweepDue(_) => {}
            }
            waiting.extend(events.take());
        }
        let mail = mail.ok_or_else(|| Failure::program(format!("{file}: the run ended without a report")))?;
        Ok(Ran { processed, record, mail })
    })
}

fn notifier(
    objects: &FileObjects,
    analyses: &FileAnalyses,
) -> Notifier<FileObjects, FileAnalyses, Outbox<SystemClock>, SystemClock> {
    Notifier {
        objects: objects.clone(),
        analyses: analyses.clone(),
        mailer: Outbox { directory: outbox(&objects.out), clock: SystemClock },
        clock: SystemClock,
        settings: notifier::Settings {
            from: SENDER.to_owned(),
            default_recipients: vec![RECIPIENT.to_owned()],
            output_base: Some(objects.out.display().to_string()),
            ..notifier::Settings::default()
        },
    }
}

/// Where mails go.
pub(crate) fn outbox(out: &Path) -> std::path::PathBuf {
    out.join("outbox")
}

fn delivery() -> Delivery {
    let now = SystemClock.now();
    Delivery { owner: OWNER.to_owned(), deadline: now.checked_add(LEASE).unwrap_or(now) }
}
