//! Each misdeed of the server is seen to do what it says.
