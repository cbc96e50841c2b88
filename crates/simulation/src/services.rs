//! What the services themselves do, without the adapters around them: each a plain value with the conditions that the
//! real one promises.

pub mod bus;
pub mod queue;
pub mod s3;
pub mod ses;
pub mod table;
