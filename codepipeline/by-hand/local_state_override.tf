# For the first apply and for the teardown, copied beside the other files: the state lies in this folder meanwhile.
# (README.md, "The first apply")
terraform {
  backend "local" {}
}
