//! What a tool is: its specification, its arguments, its result, its faults.

mod args;
mod catalogue;
mod fault;
mod projection;
mod spec;

pub use args::{ArgsError, from_flags};
pub use catalogue::{Catalogue, Tool};
pub use fault::{Fault, FaultKind};
pub use projection::{
    Cell, Column, ColumnKind, Counts, ModelView, Partial, Projection, RESULT_CAP, ROUND_CAP, Row, Series,
};
pub use spec::{Op, RegionRule, Risk, Spec, Verdict, Watch, WriteCall};
