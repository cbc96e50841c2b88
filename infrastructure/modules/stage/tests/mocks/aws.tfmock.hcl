# ARNs where the provider or another resource reads them. The queues have their own in each file, since there are two.

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/example-weigher" }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:eu-central-1:111122223333:function:example-weigher" }
}
