//! Handing mails over.

use shared::ports::{FaultKind, Mail, Mailer, SendFault};

use crate::cases::run_of;
use crate::rooms::Post;
use crate::trace::{Case, Outcome, Trace, cases};

/// All of them.
#[must_use]
pub fn cases<R: Post>() -> Vec<Case<R>> {
    cases![
        a_mail_is_taken_and_named,
        a_mail_that_is_handed_over_twice_is_two,
        a_mail_that_is_refused_does_not_go_out
    ]
}

fn mail(case: &str) -> Mail {
    Mail {
        run_id: run_of(case),
        send_id: "4f8a1c2b3d4e-1".to_owned(),
        from: "mill@example.com".to_owned(),
        to: vec!["data@example.com".to_owned(), "owner@example.com".to_owned()],
        subject: format!("May 2026 + June.csv: 717 rows – Größe ({})", run_of(case).short()),
        text: "Grüße\n.\nend\n".to_owned(),
        html: "<p>Grüße &amp; \u{2602}</p>\n".to_owned(),
    }
}

/// What became of a mail, in a word: whether it has a name, or what kind of fault of which sort.
fn ended(answer: Result<String, SendFault>) -> Result<bool, (&'static str, FaultKind)> {
    answer.map(|id| !id.is_empty()).map_err(|fault| match fault {
        SendFault::NotSent(fault) => ("not sent", fault.kind),
        SendFault::Refused(fault) => ("refused", fault.kind),
        SendFault::Unknown(fault) => ("unknown", fault.kind),
    })
}

async fn a_mail_is_taken_and_named<R: Post>(room: &R, trace: &Trace) -> Outcome {
    let mail = mail("taken");
    trace.say("before", room.mails(&mail.run_id).await?);
    trace.say("named", ended(room.mailer().send(&mail).await));
    trace.say("after", room.mails(&mail.run_id).await?);
    Ok(())
}

async fn a_mail_that_is_handed_over_twice_is_two<R: Post>(room: &R, trace: &Trace) -> Outcome {
    let mail = mail("twice");
    let names = [room.mailer().send(&mail).await.ok(), room.mailer().send(&mail).await.ok()];
    let [first, second] = names;
    trace.say("two names", first.is_some() && second.is_some() && first != second);
    trace.say("after", room.mails(&mail.run_id).await?);
    Ok(())
}

async fn a_mail_that_is_refused_does_not_go_out<R: Post>(room: &R, trace: &Trace) -> Outcome {
    let mail = room.refusable(mail("refused"));
    trace.say("refused", ended(room.mailer().send(&mail).await));
    trace.say("after", room.mails(&mail.run_id).await?);
    Ok(())
}
