"""rgnet's stars inside other programs that keep ratings of their own."""
