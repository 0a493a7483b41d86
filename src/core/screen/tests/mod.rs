mod composing;
mod deciding;
mod evaluating;
mod fuzz;
mod living;
mod navigating;
mod palette;
mod settings;
