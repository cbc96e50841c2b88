//! Mails on the mail service: the call is made once, and a failure is one of three.

use shared::ports::{Fault, FaultKind, Mail, Mailer, SendFault};

use crate::faults::Operation;
use crate::ports::Ports;
use crate::services::ses::Fate;
use crate::world::{World, lock};

impl Mailer for Ports {
    async fn send(&self, mail: &Mail) -> Result<String, SendFault> {
        if Fate::of(mail) == Fate::Refused {
            let code = "MessageRejected";
            return match self.attempt(Operation::SendEmail, 1, |_| Ok(())).await {
                Ok(()) => Err(SendFault::Refused(Fault::new("SendEmail", FaultKind::Invalid, code))),
                Err(fault) => Err(classify(fault)),
            };
        }
        // Only what the service needs to know: the words of a mail are long.
        let mail = Mail { subject: String::new(), text: String::new(), html: String::new(), ..mail.clone() };
        let accept = move |world: &mut World| Ok(world.accept(&mail));
        let once = lock(&self.shared).mechanisms.ses_no_retries;
        let answer = if once {
            self.attempt(Operation::SendEmail, 1, accept).await
        } else {
            self.call(Operation::SendEmail, accept).await
        };
        answer.map_err(classify)
    }
}

/// A throttled call did not go out; of any other failure nobody can tell.
fn classify(fault: Fault) -> SendFault {
    match fault.kind {
        FaultKind::Throttled => SendFault::NotSent(fault),
        _ => SendFault::Unknown(fault),
    }
}
