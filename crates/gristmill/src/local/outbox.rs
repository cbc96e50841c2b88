use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lettre::address::AddressError;
use lettre::message::{Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use shared::identity::RunId;
use shared::ports::{Clock, Fault, FaultKind, Mail, Mailer, SendFault};

use super::replace;

/// A mail service that puts every mail into a folder: as it would be sent (`.eml`), and its two parts.
#[derive(Debug, Clone)]
pub struct Outbox<C> {
    /// The folder, which need not exist yet.
    pub directory: PathBuf,
    /// The time that goes into the mail's date.
    pub clock: C,
}

/// The files of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxFiles {
    /// The HTML part.
    pub html: PathBuf,
    /// The plain text part.
    pub text: PathBuf,
    /// The whole mail.
    pub eml: PathBuf,
}

impl OutboxFiles {
    /// The files of a run's mail in an outbox.
    #[must_use]
    pub fn of(directory: &Path, run_id: &RunId) -> Self {
        let path = |ending: &str| directory.join(format!("{run_id}.{ending}"));
        Self { html: path("html"), text: path("txt"), eml: path("eml") }
    }
}

/// Why a mail cannot be written down.
#[derive(Debug)]
enum Unwritable {
    Address(AddressError),
    Message(lettre::error::Error),
}

impl<C: Clock> Outbox<C> {
    fn message(&self, mail: &Mail, id: &str) -> Result<Message, Unwritable> {
        let mailbox = |address: &String| -> Result<Mailbox, Unwritable> {
            Ok(Mailbox::new(None, address.parse().map_err(Unwritable::Address)?))
        };
        let mut message = Message::builder()
            .message_id(Some(id.to_owned()))
            .date(SystemTime::from(self.clock.now()))
            .from(mailbox(&mail.from)?)
            .subject(mail.subject.as_str());
        for address in &mail.to {
            message = message.to(mailbox(address)?);
        }
        // A boundary made from the run: the same report is the same file.
        let parts = MultiPart::builder()
            .kind(MultiPartKind::Alternative)
            .boundary(format!("gristmill-{}", mail.run_id))
            .singlepart(SinglePart::plain(mail.text.clone()))
            .singlepart(SinglePart::html(mail.html.clone()));
        message.multipart(parts).map_err(Unwritable::Message)
    }
}

impl<C: Clock> Mailer for Outbox<C> {
    async fn send(&self, mail: &Mail) -> Result<String, SendFault> {
        let id = format!("<{}@gristmill.localhost>", mail.run_id);
        let message = self.message(mail, &id).map_err(|unwritable| {
            let fault = Fault::new("SendEmail", FaultKind::Invalid, "BadAddress");
            SendFault::Refused(match unwritable {
                Unwritable::Address(error) => fault.caused_by(error),
                Unwritable::Message(error) => fault.caused_by(error),
            })
        })?;
        let files = OutboxFiles::of(&self.directory, &mail.run_id);
        let written = replace("SendEmail", &files.html, mail.html.as_bytes())
            .and_then(|()| replace("SendEmail", &files.text, mail.text.as_bytes()))
            .and_then(|()| replace("SendEmail", &files.eml, &message.formatted()));
        written.map_err(SendFault::NotSent)?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;
    use jiff::Timestamp;
    use shared::identity::{ContractDigest, ETag};
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[derive(Debug)]
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            "2024-05-20T12:00:00Z".parse().unwrap()
        }

        async fn sleep(&self, _: Duration) {}

        fn draw(&self) -> f64 {
            0.0
        }
    }

    fn mail(to: &[&str]) -> Mail {
        Mail {
            run_id: RunId::of("b", "k", &ETag::parse("e"), &ContractDigest::of(b""), None),
            send_id: "s".to_owned(),
            from: "gristmill@example.com".to_owned(),
            to: to.iter().map(|address| (*address).to_owned()).collect(),
            subject: "Umsätze: 3 rows".to_owned(),
            text: "Grüße\n.\nend\n".to_owned(),
            html: "<p>Grüße</p>\n".to_owned(),
        }
    }

    #[test]
    fn a_mail_lies_in_the_outbox_whole_and_in_parts() {
        let directory = tempfile::tempdir().unwrap();
        let outbox = Outbox { directory: directory.path().join("outbox"), clock: Noon };
        let mail = mail(&["a@example.com", "b@example.com"]);
        let id = block_on(outbox.send(&mail)).unwrap();
        let files = OutboxFiles::of(&outbox.directory, &mail.run_id);
        assert_eq!(fs::read_to_string(&files.html).unwrap(), mail.html);
        assert_eq!(fs::read_to_string(&files.text).unwrap(), mail.text);
        let eml = fs::read_to_string(&files.eml).unwrap();
        for expected in [
            "From: gristmill@example.com\r\n",
            "To: a@example.com, b@example.com\r\n",
            "Date: Mon, 20 May 2024 12:00:00 +0000\r\n",
            &format!("Message-ID: {id}\r\n"),
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(eml.contains(expected), "{expected:?} is not in\n{eml}");
        }
        assert!(id.contains(mail.run_id.as_str()));
        block_on(outbox.send(&mail)).unwrap();
        assert_eq!(fs::read_to_string(&files.eml).unwrap(), eml, "the same mail is the same file");
    }

    #[test]
    fn a_mail_to_what_is_no_address_is_refused_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let outbox = Outbox { directory: directory.path().join("outbox"), clock: Noon };
        let fault = block_on(outbox.send(&mail(&["nobody\r\nBcc: x@example.com"]))).unwrap_err();
        assert!(matches!(fault, SendFault::Refused(_)), "{fault:?}");
        assert!(!outbox.directory.exists());
    }
}
