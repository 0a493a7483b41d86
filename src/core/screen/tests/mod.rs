mod composing;
mod deciding;
mod fuzz;
mod living;
mod navigating;
mod palette;
