use shared::ports::{Fault, Model, ModelAnswer, ModelRequest};

/// The language model of a machine that has none. There is no value of this type.
#[derive(Debug, Clone, Copy)]
pub enum NoModel {}

impl Model for NoModel {
    async fn ask(&self, _: &ModelRequest) -> Result<ModelAnswer, Fault> {
        match *self {}
    }
}
