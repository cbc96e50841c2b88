//! One suite over all adapters of the ports, in a room of its own because it is the only thing that knows every one of
//! them: memory, local files, the simulation's services and AWS.
//!
//! A case is written once, against a port ([`cases`]), and takes place in a room for each adapter ([`rooms`]). It asserts
//! nothing: it writes down what the adapter answered ([`trace`]), and the answers of all adapters are compared
//! ([`suite`]). What an adapter has no notion of is listed, with its reason ([`absent`]), and counted.
//!
//! ```text
//! cargo test -p conformance                                                       memory, local files, simulation
//! python3 scripts/emulator.py -- cargo run -p conformance --locked -- --aws       and AWS, on the emulator
//! ```

pub mod absent;
pub mod cases;
pub mod rooms;
pub mod suite;
pub mod trace;
