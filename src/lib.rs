//! The composition root: the two arms that put the reference in front of the judge.
