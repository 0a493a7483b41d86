//! What a tool is: its specification, its arguments, its result, its faults.

mod args;
mod catalogue;
mod fault;
mod model_view;
mod projection;
mod spec;

pub use args::{ArgsError, fits, from_flags, lacking, split_line};
pub use catalogue::{Catalogue, Tool};
pub use fault::{Fault, FaultKind};
pub use model_view::{ModelView, RESULT_CAP, ROUND_CAP};
pub use projection::{Cell, Column, ColumnKind, Counts, Partial, Projection, Row, Series};
pub use spec::{Op, RegionRule, Risk, Spec, Verdict, Watch, WriteCall};
