use shared::violation::FileCode;
use std::time::Duration;

use futures_lite::future::block_on;
use shared::claims::TaskState;
use shared::memory::{ManualClock, MemoryAnalyses, MemoryMailer, MemoryObjects};
use shared::ports::{Disposition, Fault, FaultKind, FeedbackKind};

use super::*;
use crate::fixtures;

/// The stage on adapters in memory.
struct World {
    notifier: Notifier<MemoryObjects, MemoryAnalyses, MemoryMailer, ManualClock>,
    manifest: Manifest,
}

impl World {
    fn with(manifest: Manifest) -> Self {
        let objects = MemoryObjects::new();
        objects.put(
            "bucket",
            &shared::keys::manifest_key(&manifest.run_id),
            serde_json::to_vec(&manifest).unwrap(),
        );
        let analyses = MemoryAnalyses::new();
        if manifest.status == Status::Completed {
            analyses.put(fixtures::record());
        }
        let clock = ManualClock::at("2025-05-20T08:00:00Z".parse().unwrap());
        let settings = Settings { from: "gristmill@example.com".into(), ..Settings::default() };
        Self {
            notifier: Notifier { objects, analyses, mailer: MemoryMailer::new(), clock, settings },
            manifest,
        }
    }

    fn analysed() -> Self {
        Self::with(fixtures::manifest())
    }

    fn event(&self) -> PipelineEvent {
        match self.manifest.status {
            Status::Completed => self.manifest.analysis_event(&fixtures::record()),
            Status::Rejected | Status::Held => self.manifest.event(),
        }
    }

    /// A delivery to an invocation that may take 60 seconds.
    fn deliver(&self, owner: &str) -> Result<Outcome, StageError> {
        let deadline = self.notifier.clock.now() + SignedDuration::from_secs(60);
        block_on(self.notifier.notify(&self.event(), &Delivery { owner: owner.into(), deadline }))
    }

    fn wait(&self, minutes: u64) {
        self.notifier.clock.advance(Duration::from_mins(minutes));
    }

    fn mails(&self) -> Vec<Mail> {
        self.notifier.mailer.mails()
    }

    /// The same with the ledger, as in the cloud.
    fn with_ledger(manifest: Manifest) -> Self {
        let mut world = Self::with(manifest);
        world.notifier.settings.ledger = true;
        world
    }

    fn settled(&self) -> bool {
        let key = Place::of_run(&self.manifest).unwrap().settled_key();
        self.notifier.objects.get("bucket", &key).is_some()
    }

    /// What the mail service says of an attempt.
    fn hear(&self, kind: FeedbackKind, attempt: u64) -> Heard {
        let run_id = self.manifest.run_id.clone();
        let feedback = MailFeedback {
            send_id: format!("{}-{attempt}", run_id.short()),
            run_id,
            message_id: "ses-1".into(),
            kind,
            at: "2025-05-20T08:00:01Z".parse().unwrap(),
            code: None,
        };
        block_on(self.notifier.hear(&feedback)).unwrap()
    }

    /// Whether the record says that the mail went out, and when.
    fn marks(&self) -> (bool, Option<String>) {
        let record = self.notifier.analyses.get(&self.manifest.run_id).unwrap();
        (record.notification_sent, record.notification_timestamp)
    }

    /// A delivery of which the mail goes out and the answer does not come back.
    fn lose_the_answer(&self) {
        self.notifier.mailer.lose_next_answer();
        assert!(matches!(self.deliver("lost"), Err(StageError::Port(_))));
        assert_eq!(self.state(), TaskState::Sending);
    }

    fn state(&self) -> TaskState {
        self.notifier.analyses.state(&self.manifest.run_id, Task::Notify).unwrap()
    }
}

fn fault(kind: FaultKind) -> Fault {
    Fault::new("SendEmail", kind, "Scripted")
}

#[test]
fn an_analysed_run_is_mailed_once_and_marked_as_sent() {
    let world = World::analysed();
    assert_eq!(world.deliver("a").unwrap(), Outcome::Sent { message_id: "memory-1".into() });
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "gristmill@example.com");
    assert_eq!(mails[0].to, ["sales@example.com"]);
    assert_eq!(mails[0].send_id, format!("{}-1", world.manifest.run_id.short()));
    assert_eq!(mails[0].run_id, world.manifest.run_id);
    assert!(mails[0].html.contains("717 of 1,002 rows accepted"));
    let record = world.notifier.analyses.get(&world.manifest.run_id).unwrap();
    assert!(record.notification_sent);
    assert_eq!(record.notification_timestamp.as_deref(), Some("2025-05-20T08:00:00Z"));
}

#[test]
fn a_second_delivery_sends_nothing() {
    let world = World::analysed();
    world.deliver("a").unwrap();
    for (owner, minutes) in [("a", 0), ("b", 0), ("c", 60)] {
        world.wait(minutes);
        assert_eq!(world.deliver(owner).unwrap(), Outcome::AlreadySent);
    }
    assert_eq!(world.notifier.mailer.attempts(), 1);
}

#[test]
fn a_refused_and_a_held_file_are_mailed_to_those_who_care_for_problems() {
    for (manifest, news) in [(fixtures::refused(), "was refused"), (fixtures::held(), "is held")] {
        let world = World::with(manifest);
        assert!(matches!(world.deliver("a").unwrap(), Outcome::Sent { .. }));
        let mail = &world.mails()[0];
        assert_eq!(mail.to, ["data@example.com"]);
        assert!(mail.subject.contains(news), "{}", mail.subject);
        assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
    }
}

#[test]
fn two_at_once_send_one_mail() {
    let world = World::analysed();
    let other = Claim {
        run_id: world.manifest.run_id.clone(),
        task: Task::Notify,
        owner: "other".into(),
        now: world.notifier.clock.now(),
        lease_until: world.notifier.clock.now() + SignedDuration::from_secs(62),
        resend_before: Some(world.notifier.clock.now() - UNSETTLED_GRACE),
    };
    let claimed = block_on(world.notifier.analyses.claim(&other)).unwrap();
    assert!(matches!(claimed, Claimed::Granted(_)));
    let until = other.lease_until;
    assert!(matches!(world.deliver("a"), Err(StageError::Busy { until: u }) if u == until));
    assert!(world.mails().is_empty());
    // The other one died before it began to send: its lease runs out, and the next delivery sends.
    world.wait(2);
    assert!(matches!(world.deliver("a").unwrap(), Outcome::Sent { .. }));
    assert_eq!(world.mails().len(), 1);
}

#[test]
fn a_mail_that_was_certainly_not_sent_is_tried_again() {
    let world = World::analysed();
    world.notifier.mailer.fail_next(SendFault::NotSent(fault(FaultKind::Throttled)));
    let error = world.deliver("a").unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry);
    assert_eq!(world.state(), TaskState::Claimed);
    assert!(matches!(world.deliver("b"), Err(StageError::Busy { .. })), "within the first one's lease");
    world.wait(2);
    assert!(matches!(world.deliver("b").unwrap(), Outcome::Sent { .. }));
    assert_eq!(world.mails().len(), 1);
}

#[test]
fn a_refused_mail_is_settled_and_not_tried_again() {
    let world = World::analysed();
    let refusal = Fault::new("SendEmail", FaultKind::Invalid, "MessageRejected");
    world.notifier.mailer.fail_next(SendFault::Refused(refusal));
    assert_eq!(world.deliver("a").unwrap(), Outcome::Refused { code: "MessageRejected".into() });
    world.wait(60);
    assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
    assert_eq!(world.notifier.mailer.attempts(), 1);
    assert!(!world.notifier.analyses.get(&world.manifest.run_id).unwrap().notification_sent);
}

#[test]
fn an_unknown_ending_is_left_alone_until_the_grace_is_over() {
    let world = World::analysed();
    world.notifier.mailer.fail_next(SendFault::Unknown(fault(FaultKind::TimedOut)));
    assert!(matches!(world.deliver("a"), Err(StageError::Port(_))));
    for owner in ["a", "b"] {
        assert!(matches!(world.deliver(owner), Err(StageError::Busy { .. })));
    }
    world.wait(15);
    let Err(StageError::Busy { until }) = world.deliver("c") else { panic!("still within the grace") };
    assert_eq!(world.notifier.mailer.attempts(), 1);
    world.notifier.clock.set(until);
    assert!(matches!(world.deliver("c").unwrap(), Outcome::Sent { .. }));
    assert_eq!(world.mails()[0].send_id, format!("{}-2", world.manifest.run_id.short()));
}

#[test]
fn a_crash_between_the_call_and_its_record_sends_nothing_before_the_grace() {
    let world = World::analysed();
    // The mail goes out, and every attempt at writing that down fails, as when the invocation is killed.
    for _ in 0..Backoff::STANDARD.attempts {
        world.notifier.analyses.fail_next("end_send", FaultKind::Unavailable);
    }
    assert!(matches!(world.deliver("a"), Err(StageError::Port(_))));
    assert!(matches!(world.state(), TaskState::Sending));
    world.wait(14);
    assert!(matches!(world.deliver("b"), Err(StageError::Busy { .. })));
    assert_eq!(world.mails().len(), 1);
    world.wait(2);
    assert!(matches!(world.deliver("b").unwrap(), Outcome::Sent { .. }));
}

#[test]
fn a_passing_failure_to_write_down_the_end_does_not_lead_to_a_second_mail() {
    let world = World::analysed();
    world.notifier.analyses.fail_next("end_send", FaultKind::Throttled);
    world.notifier.analyses.lose_next_answer("end_send");
    assert!(matches!(world.deliver("a").unwrap(), Outcome::Sent { .. }));
    world.wait(60);
    assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
}

#[test]
fn nothing_is_sent_unless_its_beginning_is_written_down() {
    let world = World::analysed();
    world.notifier.analyses.fail_next("begin_send", FaultKind::Unavailable);
    assert!(matches!(world.deliver("a"), Err(StageError::Port(_))));
    assert_eq!(world.notifier.mailer.attempts(), 0);
    world.wait(2);
    assert!(matches!(world.deliver("b").unwrap(), Outcome::Sent { .. }));
}

#[test]
fn a_run_that_names_nobody_is_settled_without_a_mail() {
    let mut manifest = fixtures::manifest();
    manifest.contract.descriptor = fixtures::descriptor(&[], &[]);
    let world = World::with(manifest);
    assert_eq!(world.deliver("a").unwrap(), Outcome::NoRecipients);
    assert_eq!(world.state(), TaskState::Refused);
    world.wait(60);
    assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
    assert_eq!(world.notifier.mailer.attempts(), 0);
}

#[test]
fn a_file_with_a_broken_contract_is_mailed_to_the_default_recipients() {
    let mut manifest = fixtures::refused();
    manifest.code = Some(FileCode::ContractError);
    manifest.contract.descriptor = serde_json::Value::Null;
    let mut world = World::with(manifest);
    world.notifier.settings.default_recipients = vec!["ops@example.com".into()];
    assert!(matches!(world.deliver("a").unwrap(), Outcome::Sent { .. }));
    assert_eq!(world.mails()[0].to, ["ops@example.com"]);
}

#[test]
fn what_is_missing_or_does_not_fit_is_said_and_nothing_is_sent() {
    let broken = |world: &World, event: &PipelineEvent| {
        let deadline = world.notifier.clock.now();
        match block_on(world.notifier.notify(event, &Delivery { owner: "a".into(), deadline })) {
            Err(StageError::Broken { what, .. }) => {
                assert_eq!(world.notifier.mailer.attempts(), 0);
                what
            }
            other => panic!("{other:?}"),
        }
    };
    let world = World::analysed();
    assert_eq!(broken(&world, &world.manifest.event()), "the event", "a split file is not ours to tell");
    world.notifier.objects.remove("bucket", &shared::keys::manifest_key(&world.manifest.run_id));
    assert_eq!(broken(&world, &world.event()), "the manifest");
    let world = World::with(fixtures::held());
    let analysed = fixtures::manifest().analysis_event(&fixtures::record());
    assert_eq!(broken(&world, &analysed), "the manifest", "a held run has no analysis");
    let world = World {
        notifier: Notifier { analyses: MemoryAnalyses::new(), ..World::analysed().notifier },
        ..World::analysed()
    };
    assert_eq!(broken(&world, &world.event()), "the analysis");
}

const HEARD_AT: &str = "2025-05-20T08:00:01Z";

#[test]
fn the_mail_services_word_settles_a_send_and_the_next_delivery_sends_nothing_and_closes_the_ledger() {
    for kind in [FeedbackKind::Sent, FeedbackKind::Delivered, FeedbackKind::Delayed, FeedbackKind::Bounced] {
        let world = World::with_ledger(fixtures::manifest());
        world.lose_the_answer();
        assert_eq!(world.hear(kind, 1), Heard::Settled);
        assert_eq!(world.state(), TaskState::Done);
        assert_eq!(world.marks(), (true, Some(HEARD_AT.to_owned())), "{kind:?}");
        assert!(!world.settled(), "the delivery that waits does that");
        assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
        assert!(world.settled());
        assert_eq!(world.notifier.mailer.attempts(), 1);
    }
}

#[test]
fn a_word_that_comes_before_the_answer_stands() {
    let world = World::analysed();
    // The mail is taken, SES's word is quicker than its answer, and then the answer is written down.
    let lease = match block_on(world.notifier.analyses.claim(&Claim {
        run_id: world.manifest.run_id.clone(),
        task: Task::Notify,
        owner: "a".into(),
        now: world.notifier.clock.now(),
        lease_until: world.notifier.clock.now() + SignedDuration::from_secs(62),
        resend_before: None,
    })) {
        Ok(Claimed::Granted(lease)) => lease,
        other => panic!("{other:?}"),
    };
    let analyses = &world.notifier.analyses;
    let send_id = format!("{}-1", world.manifest.run_id.short());
    block_on(analyses.begin_send(&lease, &send_id, world.notifier.clock.now())).unwrap();
    assert_eq!(world.hear(FeedbackKind::Sent, 1), Heard::Settled);
    let sent = SendOutcome::Sent { message_id: "ses-1".into(), at: world.notifier.clock.now() };
    assert_eq!(block_on(analyses.end_send(&lease, &sent)).unwrap(), Commit::Stored);
    block_on(analyses.mark(&world.manifest.run_id)).unwrap();
    assert_eq!(world.marks(), (true, Some(HEARD_AT.to_owned())));
    assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
}

#[test]
fn a_late_word_on_the_first_attempt_stops_whoever_has_taken_over() {
    let world = World::with_ledger(fixtures::manifest());
    world.lose_the_answer();
    world.wait(16);
    // The second owner claims, and dies or is held up before it begins to send.
    world.notifier.analyses.fail_next("begin_send", FaultKind::Unavailable);
    assert!(matches!(world.deliver("b"), Err(StageError::Port(_))));
    assert_eq!(world.state(), TaskState::Claimed);
    assert_eq!(world.hear(FeedbackKind::Sent, 1), Heard::Settled);
    // It wakes up with the claim that it was granted.
    let lease = world.notifier.analyses.item(&world.manifest.run_id, Task::Notify).unwrap();
    let lease = lease.lease(&world.manifest.run_id, Task::Notify);
    assert_eq!((lease.owner.as_str(), lease.fence), ("b", 2));
    let begun = block_on(world.notifier.analyses.begin_send(&lease, "second", world.notifier.clock.now()));
    assert_eq!(begun.unwrap(), Commit::Lost);
    assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
    assert_eq!(world.mails().len(), 1);
    assert!(world.settled());
}

#[test]
fn a_mail_that_was_thrown_away_after_it_was_taken_is_not_sent() {
    for kind in [FeedbackKind::Rejected, FeedbackKind::RenderingFailed] {
        let world = World::analysed();
        world.deliver("a").unwrap();
        assert!(world.marks().0);
        assert_eq!(world.hear(kind, 1), Heard::Settled);
        assert_eq!(world.state(), TaskState::Refused);
        assert_eq!(world.marks(), (false, None), "{kind:?}");
        // A word that was overtaken on the way changes nothing.
        assert_eq!(world.hear(FeedbackKind::Sent, 1), Heard::Known);
        assert_eq!(world.state(), TaskState::Refused);
        assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
        assert_eq!(world.notifier.mailer.attempts(), 1);
    }
}

#[test]
fn a_rejection_of_an_earlier_attempt_does_not_undo_a_later_one() {
    let world = World::analysed();
    world.notifier.mailer.fail_next(SendFault::Unknown(fault(FaultKind::TimedOut)));
    assert!(world.deliver("a").is_err());
    world.wait(16);
    assert!(matches!(world.deliver("b").unwrap(), Outcome::Sent { .. }));
    assert_eq!(world.hear(FeedbackKind::Rejected, 1), Heard::Known);
    assert_eq!(world.state(), TaskState::Done);
    assert!(world.marks().0);
}

#[test]
fn where_nothing_may_be_sent_twice_an_unknown_ending_is_parked_after_the_grace() {
    let mut world = World::with_ledger(fixtures::manifest());
    world.notifier.settings.unsettled = Unsettled::Park;
    world.lose_the_answer();
    world.wait(15);
    let Err(StageError::Busy { until }) = world.deliver("b") else { panic!("still within the grace") };
    world.notifier.clock.set(until);
    assert_eq!(world.deliver("b").unwrap(), Outcome::Parked);
    assert_eq!(world.state(), TaskState::Parked);
    assert_eq!(world.marks(), (false, None));
    assert!(world.settled(), "the line in the log and its alarm are what is left");
    world.wait(60);
    assert_eq!(world.deliver("c").unwrap(), Outcome::AlreadySent);
    assert_eq!(world.notifier.mailer.attempts(), 1);
    // SES's word may still come.
    assert_eq!(world.hear(FeedbackKind::Delivered, 1), Heard::Settled);
    assert_eq!((world.state(), world.marks().0), (TaskState::Done, true));
}

#[test]
fn the_ledger_is_settled_when_a_mail_is_sent_or_refused_or_has_nobody_to_go_to() {
    let world = World::with_ledger(fixtures::manifest());
    assert!(matches!(world.deliver("a").unwrap(), Outcome::Sent { .. }));
    assert!(world.settled());
    let world = World::with_ledger(fixtures::refused());
    assert!(matches!(world.deliver("a").unwrap(), Outcome::Sent { .. }));
    assert!(world.settled(), "a file that was refused as a whole");
    let world = World::with_ledger(fixtures::manifest());
    let refusal = Fault::new("SendEmail", FaultKind::Invalid, "MessageRejected");
    world.notifier.mailer.fail_next(SendFault::Refused(refusal));
    assert!(matches!(world.deliver("a").unwrap(), Outcome::Refused { .. }));
    assert!(world.settled());
    let mut manifest = fixtures::manifest();
    manifest.contract.descriptor = fixtures::descriptor(&[], &[]);
    let world = World::with_ledger(manifest);
    assert_eq!(world.deliver("a").unwrap(), Outcome::NoRecipients);
    assert!(world.settled());
    let world = World::analysed();
    world.deliver("a").unwrap();
    assert!(!world.settled(), "no ledger, no entry");
}

#[test]
fn the_ledger_is_not_settled_while_anything_is_left_to_do() {
    let world = World::with_ledger(fixtures::manifest());
    world.notifier.mailer.fail_next(SendFault::NotSent(fault(FaultKind::Throttled)));
    assert!(world.deliver("a").is_err());
    assert!(!world.settled());
    assert!(matches!(world.deliver("b"), Err(StageError::Busy { .. })));
    assert!(!world.settled());
    world.wait(2);
    world.lose_the_answer();
    assert!(matches!(world.deliver("b"), Err(StageError::Busy { .. })));
    assert!(!world.settled());
}

#[test]
fn what_a_crash_left_undone_behind_the_mail_is_made_good_by_the_next_delivery() {
    for call in ["mark", "create", "write", "finish"] {
        let world = World::with_ledger(fixtures::manifest());
        match call {
            "mark" => world.notifier.analyses.fail_next(call, FaultKind::Unavailable),
            _ => world.notifier.objects.fail_next(call, FaultKind::Unavailable),
        }
        assert!(matches!(world.deliver("a"), Err(StageError::Port(_))), "{call}");
        assert_eq!(world.state(), TaskState::Done);
        assert!(!world.settled(), "{call}");
        assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
        assert!(world.settled() && world.marks().0, "{call}");
        assert_eq!(world.notifier.mailer.attempts(), 1);
    }
    // The mark that was made and of which only the answer was lost is the same mark.
    let world = World::with_ledger(fixtures::manifest());
    world.notifier.objects.lose_next_answer("finish");
    assert!(world.deliver("a").is_err());
    assert_eq!(world.deliver("b").unwrap(), Outcome::AlreadySent);
    let key = Place::of_run(&world.manifest).unwrap().settled_key();
    assert_eq!(world.notifier.objects.version_count("bucket", &key), 1);
}

#[test]
fn a_record_that_was_not_marked_is_marked_by_the_next_word_of_the_mail_service() {
    let world = World::analysed();
    world.notifier.analyses.fail_next("mark", FaultKind::Unavailable);
    assert!(world.deliver("a").is_err());
    assert!(!world.marks().0);
    assert_eq!(world.hear(FeedbackKind::Delivered, 1), Heard::Known);
    assert_eq!(world.marks(), (true, Some("2025-05-20T08:00:00Z".to_owned())));
}
