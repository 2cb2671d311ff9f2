"""What clusters of several members are asked, to compare a real etcd's answers with Martlet's."""
