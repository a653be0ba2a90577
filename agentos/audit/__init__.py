"""What happened, by whom, to what. Written in the transaction of the change itself; knows no other room."""
