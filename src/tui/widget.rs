//! Parts that several screens draw with. One file each; they know the theme and no data.

pub(crate) mod field;

pub(crate) mod pane;

pub(crate) mod rows;

pub(crate) mod sheet;

pub(crate) mod stride;
