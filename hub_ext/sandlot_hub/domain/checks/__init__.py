"""What ``sandlot check`` finds about a cluster and the rights in it."""
